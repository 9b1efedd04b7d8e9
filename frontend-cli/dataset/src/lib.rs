//! Labelled rows from the files that people have; nothing of them leaves this computer.
//!
//! - `source`: a file, a folder or standard input, and which format it is in
//! - `text`: tables of text, as CSV; `columnar`: Parquet; `arrays`: NumPy and safetensors;
//!   `images`: folders of images by class. Each ends in one of two forms:
//! - `table`: named columns, whose `roles` (label, features, left out) are still to be chosen; or
//!   `content`: rows of numbers with their labels
//! - `classes`: labels as classes counted from zero, and their names; `impute`: missing values
//! - `read`: all of the above, from a source to a dataset and a description of what was understood
//! - `packed`: the file of a dataset, with the names of its classes; `check` and `split`: what is
//!   in a file, and two parts of it
//!
//! Where two readings are plausible, none is chosen: the refusal says which option decides.

mod arrays;
mod check;
mod classes;
mod columnar;
mod content;
mod description;
mod features;
mod images;
mod impute;
mod location;
mod options;
mod packed;
mod read;
mod refused;
mod roles;
mod source;
mod split;
mod table;
mod text;

pub use check::{Check, check};
pub use description::{Description, Understood};
pub use location::Location;
pub use options::{Decimal, Header, Impute, LabelKind, Options};
pub use packed::{class_names, pack};
pub use read::read;
pub use refused::ReadRefused;
pub use source::Source;
pub use split::split;
