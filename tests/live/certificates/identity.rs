//! What is said of the client's own certificate.
