//! Trainers that others wrote: a folder of files, run in the box on this computer's data.

pub mod folder;
pub mod interpreter;
pub mod manifest;

pub use drafts::named;
