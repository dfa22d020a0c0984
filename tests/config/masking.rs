//! No finding shows a secret, whatever is wrong with the file.
