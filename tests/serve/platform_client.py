"""The platform's Python client, unchanged, against a local service: everything it can do with base connections."""

import json
import os
import sys

import aepp
from aepp import flowservice

base, client, secret, org = sys.argv[1:5]
params = json.loads(os.environ["PARAMS"])

aepp.configure(
    org_id=org, client_id=client, secret=secret, sandbox="prod", environment="support", endpoint=base,
    scopes="openid,AdobeID",
)
aepp.config.endpoints["global"] = base
aepp.config.config_object["oauthTokenEndpointV2"] = f"{base}/ims/token/v3"
aepp.config.config_object["connectionType"] = "oauthV2"
flow = flowservice.FlowService()

specs = flow.getConnectionSpecsMap()
assert specs["postgre-sql"] == "74a1c565-4e59-48d7-9d67-7c03b8a13137", specs
assert flow.getConnectionSpecIdFromName("amazon-redshift") == "3416976c-a9ca-4bba-901a-1f08f66978ff"
assert flow.getConnectionSpec(specs["postgre-sql"])["items"][0]["name"] == "postgre-sql"

auth = {"specName": "Basic Authentication", "params": params}
spec = {"id": specs["postgre-sql"], "version": "1.0"}
created = []
for number in range(7):
    made = flow.createConnection(data={"name": f"aepp {number}", "auth": auth, "connectionSpec": spec})
    assert set(made) == {"id", "etag"}, made
    created.append(made["id"])
made = flow.createConnection(name="aepp 7", auth=auth, connectionSpec=spec)
created.append(made["id"])

listed = flow.getConnections(limit=3, n_results="inf")
assert [one["id"] for one in listed] == created[::-1], listed
assert [one["name"] for one in flow.getConnections(limit=3, n_results="inf", orderby="name")] == [f"aepp {n}" for n in range(8)]
assert [one["name"] for one in flow.getConnections(property="name==aepp 3")] == ["aepp 3"]

one = flow.getConnection(created[0])
assert one["name"] == "aepp 0" and one["etag"] == one["version"] and one["auth"]["params"]["password"] == "xxxx", one
assert flow.connectionTest(created[0]) == {"result": True}

root = flow.getResource(f"{flow.endpoint}/connections/{created[0]}/explore", params={"objectType": "root"})
assert [table["path"] for table in root] == ["public.orders"], root
table = flow.getResource(
    f"{flow.endpoint}/connections/{created[0]}/explore",
    params={"objectType": "table", "object": "public.orders", "preview": "true"},
)
assert [column["name"] for column in table["schema"]["columns"]] == ["id", "at"], table
assert table["data"][0]["id"] == 1, table

patched = flow.patchConnection(
    created[0],
    [{"op": "replace", "path": "/auth/params", "value": params}, {"op": "replace", "path": "/name", "value": "renamed"}],
)
assert patched["id"] == created[0] and patched["etag"] != one["etag"], patched
assert flow.getConnection(created[0])["name"] == "renamed"

wrong = dict(params, password="not the password")
refused = flow.createConnection(
    data={"name": "wrong", "auth": dict(auth, params=wrong), "connectionSpec": spec}
)
assert refused["status"] == 400 and refused["report"]["preflight"]["cause"] == "login-password-rejected", refused

for id in created:
    assert flow.deleteConnection(id) == 204
assert flow.getConnections() == []
assert flow.getConnection(created[0]) == {}
print("everything went as the platform's client expects")
