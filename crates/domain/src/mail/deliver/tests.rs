//! Which mails go, where to, and which wait.
