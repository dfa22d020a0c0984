//! Commands from outside: the real binary in a directory of its own.

mod bad_input;
mod canary;
mod demo;
mod diff;
mod doctor;
mod encrypted;
mod help;
mod init;
mod merge;
mod secrets_docs;
mod secrets_edit;
mod secrets_files;
mod secrets_git;
mod secrets_scan;
mod secrets_values;
mod side_files;
mod toggle;
mod user_templates;
mod views;
