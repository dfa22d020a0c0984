//! Commands from outside: the real binary in a directory of its own.

mod adopt;
mod bad_input;
mod by_hand;
mod canary;
mod demo;
mod diff;
mod doctor;
mod encrypted;
mod help;
mod init;
mod merge;
mod own_apps;
mod per_app;
mod secrets_docs;
mod secrets_edit;
mod secrets_files;
mod secrets_git;
mod secrets_scan;
mod secrets_values;
mod side_files;
mod toggle;
mod undo;
mod user_templates;
mod views;
