//! The only place where a cause is decided by the words of a message: pairs that share SQLSTATE and routine.
//!
//! Fragments of PostgreSQL's message catalogues (`src/backend/po/*.po`, releases 15 and 17), one for each language
//! it ships in. Words that are not here give the more general code.

mod fold;
pub mod pooler;

/// What words can decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// 28000, ClientAuthentication: no rule in `pg_hba.conf` matches.
    NoHbaEntry,
    /// 28000, ClientAuthentication: a rule says `reject`.
    HbaReject,
    /// 28000, ClientAuthentication: a client certificate is required.
    CertificateRequired,
    /// 28000, InitializeSessionUserId: no such role.
    RoleMissing,
    /// 28000, InitializeSessionUserId: NOLOGIN.
    RoleCannotLogIn,
    /// 57P03: starting up, not yet consistent, or in recovery.
    StartingUp,
    /// 57P03: shutting down.
    ShuttingDown,
    /// 57P03: a standby that takes no sessions.
    StandbyClosed,
}

use Meaning::{
    CertificateRequired, HbaReject, NoHbaEntry, RoleCannotLogIn, RoleMissing, ShuttingDown, StandbyClosed, StartingUp,
};

/// The meaning of a message, if its words are known. Only the candidates are considered.
pub fn meaning(message: &str, candidates: &[Meaning]) -> Option<Meaning> {
    // The screen shows a line break as its escape; some catalogues have one in the middle of a sentence.
    let message = message.replace("\\n", " ");
    let known = || WORDS.iter().filter(|(meaning, _)| candidates.contains(meaning));
    let said = known().find(|(_, fragments)| fragments.iter().any(|fragment| message.contains(fragment)));
    let folded_too = || {
        let is_said = |fragment: &str| fold::tells(fragment).is_some_and(|folded| message.contains(&folded));
        known().find(|(_, fragments)| fragments.iter().any(|fragment| is_said(fragment)))
    };
    said.or_else(|| message.is_ascii().then(folded_too).flatten()).map(|row| row.0)
}

/// In the order en, de, es, fr, id, it, ja, ka, ko, pl, pt_BR, ru, sv, tr, uk, zh_CN, zh_TW. A meaning whose words are
/// part of another's comes after it.
const WORDS: &[(Meaning, &[&str])] = &[
    (
        NoHbaEntry,
        &[
            "no pg_hba.conf entry",
            "kein pg_hba.conf-Eintrag",
            "no hay una línea en pg_hba.conf",
            "aucune entrée dans pg_hba.conf",
            "tidak ada entry pg_hba.conf",
            "nessuna voce in pg_hba.conf",
            "エントリがありません",
            "აღმოჩენილი არაა",
            "pg_hba.conf 파일에 없습니다",
            "brak wpisu w pg_hba.conf",
            "nenhuma entrada em pg_hba.conf",
            "в pg_hba.conf нет записи",
            "ingen rad i pg_hba.conf",
            "pg_hba.conf içinde bir tanım yok",
            "в pg_hba.conf немає запису",
            "没有适用于主机",
            "没有用于主机",
            "適用的 pg_hba.conf",
        ],
    ),
    (
        HbaReject,
        &[
            "pg_hba.conf rejects connection",
            "pg_hba.conf lehnt Verbindung ab",
            "pg_hba.conf rechaza",
            "pg_hba.conf rejette",
            "pg_hba.conf terjadi kesalahan koneksi",
            "pg_hba.conf rifiuta",
            "接続を拒否しました",
            "უარყოფს მიერთებას",
            "따라 거부됩니다",
            "pg_hba.conf odrzuca",
            "pg_hba.conf rejeitou",
            "pg_hba.conf отвергает",
            "pg_hba.conf avvisar",
            "bağlantısını reddetti",
            "pg_hba.conf відхиляє",
            "拒绝来自主机",
            "pg_hba.conf 拒絕主機",
        ],
    ),
    (
        CertificateRequired,
        &[
            "requires a valid client certificate",
            "erfordert ein gültiges Client-Zertifikat",
            "requiere un certificado de cliente",
            "requiert un certificat client",
            "membutuhkan sebuah setifikat",
            "richiede un certificato valido per il client",
            "有効なクライアント証明が必要",
            "კლიენტის სწორი სერტიფიკატი ესაჭიროება",
            "유효한 클라이언트 인증서가 필요함",
            "wymaga poprawnego certyfikatu klienta",
            "requer um certificado cliente",
            "требуется годный сертификат клиента",
            "kräver ett giltigt klientcertifikat",
            "geçerli bir istemci sertifikasına",
            "припустимий сертифікат клієнта",
            "需要有效的客户端证书",
            "需要一个有效的客户端认证",
            "需要有效的客戶端憑證",
        ],
    ),
    (
        RoleCannotLogIn,
        &[
            "is not permitted to log in",
            "hat keine Berechtigung zum Einloggen",
            "no se le permite conectarse",
            "n'est pas autorisé à se connecter",
            "tidak diperbolehkan untuk log in",
            "non è consentito effettuare il login",
            "ログインが許可されません",
            "როლს შესვლის უფლება არ აქვს",
            "롤은 접속을 허용하지 않음",
            "nie zezwala na logowanie",
            "não tem permissão para entrar",
            "вход запрещён",
            "tillåts inte logga in",
            "sisteme giriş hakkı yoktur",
            "вхід не дозволений",
            "不允许角色",
            "不允許角色",
        ],
    ),
    (
        RoleMissing,
        &[
            "does not exist",
            "existiert nicht",
            "no existe el rol",
            "n'existe pas",
            "tidak ada",
            "non esiste",
            "は存在しません",
            "როლი არ არსებობს",
            "롤(role) 없음",
            "nie istnieje",
            "não existe",
            "не существует",
            "finns inte",
            "mevcut değil",
            "не існує",
            "不存在",
        ],
    ),
    (
        StandbyClosed,
        &[
            "the database system is not accepting connections",
            "das Datenbanksystem nimmt keine Verbindungen an",
            "el sistema de bases de datos no está aceptando conexiones",
            "le système de bases de données n'accepte pas de connexions",
            "il sistema di database non accetta connessioni",
            "データベースシステムは接続を受け付けていません",
            "მონაცემთა ბაზის სისტემა მიერთებებს არ იღებს",
            "해당 데이터베이스 시스템은 접속을 허용하지 않습니다",
            "o sistema de banco de dados não está aceitando conexões",
            "система БД не принимает подключения",
            "databassystemet tar inte emot anslutningar",
            "система бази даних не приймає підключення",
            "数据库系统不接受连接",
            "資料庫系統不接受連線",
        ],
    ),
    (
        ShuttingDown,
        &[
            "is shutting down",
            "das Datenbanksystem fährt herunter",
            "está apagándose",
            "le système de base de données s'arrête",
            "sistem database dimatikan",
            "il database si sta spegnendo",
            "シャットダウンしています",
            "მონაცემთა ბაზის სისტემა ითიშება",
            "데이터베이스 시스템이 중지 중",
            "jest zamykany",
            "está desligando",
            "система баз данных останавливается",
            "databassystemet stänger ner",
            "veritabanı kapatılıyor",
            "система бази даних завершує роботу",
            "数据库系统正在关闭",
            "数据库系统停止中",
            "資料庫系統正在關閉",
        ],
    ),
    (
        StartingUp,
        &[
            "is starting up",
            "is in recovery mode",
            "is not yet accepting connections",
            "das Datenbanksystem startet",
            "Wiederherstellungsmodus",
            "nimmt noch keine Verbindungen an",
            "está iniciándose",
            "modo de recuperación",
            "aún no está aceptando conexiones",
            "le système de bases de données se lance",
            "en cours de restauration",
            "n'accepte pas encore de connexions",
            "sistem database dinyalakan",
            "dalam mode pemulihan",
            "il database si sta avviando",
            "modalità di ripristino",
            "non accetta ancora connessioni",
            "起動処理中",
            "リカバリモード",
            "まだ接続を受け付けていません",
            "მონაცემთა ბაზის სისტემის გაშვება",
            "აღდგენის რეჟიმშია",
            "სისტემა ჯერ მიერთებებს არ იღებს",
            "새로 가동 중",
            "자동 복구 작업 중",
            "아직 접속을 허용하지 않습니다",
            "system bazy danych uruchamia się",
            "w trybie odzyskiwania",
            "está iniciando",
            "em modo de recuperação",
            "ainda não está aceitando conexões",
            "система баз данных запускается",
            "в режиме восстановления",
            "ещё не принимает подключения",
            "databassystemet startar upp",
            "återställningsläge",
            "tar ännu inte emot anslutningar",
            "veritabanı başlatılıyor",
            "kurtarma modundadır",
            "система бази даних запускається",
            "у режимі відновлення",
            "ще не приймає підключення",
            "数据库系统正在启动",
            "数据库系统启动中",
            "恢复模式",
            "尚未接受连接",
            "資料庫系統正在啟動",
            "處於復原模式",
            "尚未接受連線",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fragment_means_one_thing_among_its_neighbours() {
        let neighbours: [&[Meaning]; 3] = [
            &[NoHbaEntry, HbaReject, CertificateRequired],
            &[RoleMissing, RoleCannotLogIn],
            &[StartingUp, ShuttingDown, StandbyClosed],
        ];
        for (expected, fragments) in WORDS {
            let candidates = neighbours.iter().find(|group| group.contains(expected)).copied().unwrap_or_default();
            for fragment in *fragments {
                assert_eq!(meaning(fragment, candidates), Some(*expected), "{fragment}");
                if let Some(folded) = fold::tells(fragment) {
                    assert_eq!(meaning(&folded, candidates), Some(*expected), "{folded}");
                }
            }
        }
    }

    #[test]
    fn whole_messages_of_several_languages_are_understood() {
        let rule = [NoHbaEntry, HbaReject, CertificateRequired];
        let rows = [
            ("no pg_hba.conf entry for host \"10.0.0.1\", user \"u\", database \"d\", no encryption", NoHbaEntry),
            ("pg_hba.conf lehnt Verbindung ab für Host »10.0.0.1«, Benutzer »u«, Datenbank »d«, SSL an", HbaReject),
            (
                "aucune entrée dans pg_hba.conf pour l'hôte « 10.0.0.1 », utilisateur « u »,\\nbase de données",
                NoHbaEntry,
            ),
            (
                "pg_hba.conf にホスト\"10.0.0.1\"、ユーザー\"u\"、データベース\"d, SSL用のエントリがありません",
                NoHbaEntry,
            ),
            ("connection requires a valid client certificate", CertificateRequired),
        ];
        for (message, expected) in rows {
            assert_eq!(meaning(message, &rule), Some(expected), "{message}");
        }
        assert_eq!(meaning("qoʻlda yozilgan xabar", &rule), None);
        // From a server with LC_CTYPE=C.
        let folded = "v pg_hba.conf net zapisi dlya komp`yutera \"127.0.0.1\", pol`zovatelya \"u\", bazy` \"d\"";
        assert_eq!(meaning(folded, &rule), Some(NoHbaEntry));
        assert_eq!(meaning("aucune entr?e dans pg_hba.conf pour l'h?te << 10.0.0.1 >>", &rule), Some(NoHbaEntry));
        assert_eq!(
            meaning("le r?le << u >> n'est pas autoris? ? se connecter", &[RoleMissing, RoleCannotLogIn]),
            Some(RoleCannotLogIn)
        );
        assert_eq!(meaning("pg_hba.conf ????\"127.0.0.1\"?????\"u\"???????\"d, ?????????????????", &rule), None);
    }
}
