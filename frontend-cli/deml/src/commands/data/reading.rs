//! Options of all commands that read rows, for what does not show in a file.

use std::path::Path;

use anyhow::{Result, ensure};
use clap::Args;
use client::files;
use dataset::{Decimal, Header, Impute, LabelKind, Options};

/// How a file of rows is read. What shows in it need not be said.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Reading rows")]
pub struct Reading {
    /// Label: name of its column, or its number from 1; of arrays the name, or a file of labels
    /// [default: a column named label, class, target or y, else the last one]
    #[arg(long, value_name = "NAME")]
    pub label: Option<String>,
    /// Columns to leave out: names or numbers, with commas between
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub drop: Vec<String>,
    /// Columns that are features although they look like identifiers
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub keep: Vec<String>,
    /// Whether there is a header: yes, no, or its number of lines [default: as it looks]
    #[arg(long, value_name = "LINES")]
    pub header: Option<Header>,
    /// All classes in the order of the model's outputs, with commas between; or a packed dataset
    /// that names them [default: whole numbers from 0, other labels in alphabetical order]
    #[arg(long, value_name = "NAMES", value_delimiter = ',', allow_hyphen_values = true)]
    pub classes: Vec<String>,
    /// What replaces missing features, by column: mean, median or zero [default: they are refused]
    #[arg(long, value_name = "VALUE")]
    pub impute: Option<Impute>,
    /// What is between two cells: a character, or tab [default: as it looks]
    #[arg(long, value_name = "CHARACTER", value_parser = separator)]
    pub separator: Option<char>,
    /// What is before decimals: point or comma [default: as it looks]
    #[arg(long, value_name = "MARK")]
    pub decimal: Option<Decimal>,
}

impl Reading {
    /// The same for labels of this kind.
    ///
    /// - Errors: a file that should name the classes does not
    pub fn options(&self, kind: LabelKind) -> Result<Options> {
        Ok(Options {
            kind,
            label: self.label.clone(),
            drop: self.drop.clone(),
            keep: self.keep.clone(),
            header: self.header,
            classes: named(&self.classes)?,
            impute: self.impute,
            separator: self.separator,
            decimal: self.decimal,
            limit: None,
        })
    }
}

/// The names, or those that a packed dataset has.
fn named(classes: &[String]) -> Result<Vec<String>> {
    let [file] = classes else { return Ok(classes.to_vec()) };
    let path = Path::new(file);
    if path.extension().is_none_or(|ending| ending != "safetensors") {
        return Ok(classes.to_vec());
    }
    let names = dataset::class_names(&files::read(path)?.bytes);
    ensure!(!names.is_empty(), "{file} has no names of classes: its labels are numbers from 0");
    Ok(names)
}

fn separator(text: &str) -> Result<char, String> {
    match (text, text.chars().next()) {
        ("tab" | "\\t", _) => Ok('\t'),
        ("space", _) => Ok(' '),
        (_, Some(one)) if text.len() == 1 && one != '"' && one != '\n' => Ok(one),
        _ => Err("say one ASCII character, tab or space".to_owned()),
    }
}
