//! Every command, run as a user runs it against a running hub: what it shows, what it changes, how it ends.

mod config;
mod conversations;
mod documentation;
mod health;
mod history;
mod hub;
mod keys;
mod login;
mod logs;
mod models;
mod offline;
mod output;
mod people;
mod presets;
mod providers;
mod routes;
mod screens;
mod setup;
mod stats;
mod stub;
mod talk;
mod terminal;
