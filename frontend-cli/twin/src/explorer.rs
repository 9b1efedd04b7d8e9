//! A dataset looked through by its readers: what it holds, and some of its rows at a time, as
//! numbers or as pictures. Names in it are a stranger's.

use drafts::text::one_line;
use eval::{Dataset, Features, Labels};
use serde::Serialize;
use serde_json::Value;

use crate::{
    error::{Error, Result},
    histogram::Histogram,
    inspection::dataset,
};

/// Most rows of an answer.
const ROWS_MAX: usize = 100;
/// Most columns of an answer.
const COLUMNS_MAX: usize = 12;
/// Sides of pictures, in pixels; whatever is smaller is better read as numbers.
const SIDES: std::ops::RangeInclusive<usize> = 4..=512;
/// Most letters of a name.
const NAME_MAX: usize = 60;

/// A dataset that is being looked through.
#[derive(Debug)]
pub(crate) struct Explorer {
    dataset: Dataset,
    features: Vec<f32>,
    names: Names,
    picture: Option<Picture>,
    /// The least and the greatest feature.
    range: [f32; 2],
}

/// Names that the file has.
#[derive(Debug)]
struct Names {
    /// Of classes; none if they are numbered.
    classes: Vec<String>,
    /// Of features; none if they are numbered.
    features: Vec<String>,
}

/// How a row's numbers are the pixels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Picture {
    width: usize,
    height: usize,
    /// One of greys, or three of red, green and blue.
    channels: usize,
    /// Whether a pixel's channels stand together, instead of one picture for each.
    #[serde(skip)]
    is_interleaved: bool,
}

/// What a dataset holds.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    rows: usize,
    /// The shape of a row, in words.
    shape: String,
    columns: usize,
    /// How features are stored, in words.
    stored: String,
    picture: Option<Picture>,
    /// The classes by their numbers; none if labels are numbers.
    classes: Vec<Class>,
    /// The labels, if they are numbers.
    targets: Option<Histogram>,
}

#[derive(Debug, Serialize)]
struct Class {
    name: String,
    rows: usize,
    /// Of all rows, in parts per million.
    share: usize,
}

/// Some rows, with some of their columns.
#[derive(Debug, Serialize)]
pub(crate) struct Rows {
    /// The first of them.
    from: usize,
    /// The first of the columns.
    column: usize,
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Column {
    name: String,
    histogram: Histogram,
}

#[derive(Debug, Serialize)]
struct Row {
    row: usize,
    label: String,
    cells: Vec<String>,
}

/// Some rows as pictures.
#[derive(Debug, Serialize)]
pub(crate) struct Pictures {
    from: usize,
    pictures: Vec<Pixels>,
}

#[derive(Debug, Serialize)]
struct Pixels {
    row: usize,
    label: String,
    /// Red, green and blue of each pixel, line by line, in hexadecimal; black is the least of all
    /// features, white the greatest.
    pixels: String,
}

impl Explorer {
    /// Reads a dataset.
    ///
    /// - Errors: `UnfitDataset`
    pub(crate) fn open(bytes: &[u8]) -> Result<Self> {
        let dataset = dataset(bytes)?;
        let names = Names::of(bytes, dataset.row().elements());
        let features = dataset.features(0..dataset.rows());
        let range = features.iter().fold([f32::MAX, f32::MIN], |[least, greatest], feature| {
            [least.min(*feature), greatest.max(*feature)]
        });
        let picture = Picture::of(dataset.row().sizes());
        Ok(Self { dataset, features, names, picture, range })
    }

    pub(crate) fn overview(&self) -> Overview {
        let rows = self.dataset.rows();
        let sizes: Vec<_> = self.dataset.row().sizes().iter().map(usize::to_string).collect();
        let (classes, targets) = match self.dataset.labels() {
            Labels::Targets(targets) => (Vec::new(), Some(Histogram::of(targets.iter().copied()))),
            Labels::Classes(labels) => {
                let classes = (0..self.dataset.classes()).map(|class| {
                    let of = labels.iter().filter(|label| u16::from(**label) == class).count();
                    let name = self.names.class(class.into());
                    Class { name, rows: of, share: of * 1_000_000 / rows.max(1) }
                });
                (classes.collect(), None)
            }
        };
        Overview {
            rows,
            shape: sizes.join(" × "),
            columns: self.width(),
            stored: match self.dataset.stored() {
                Features::Real(_) => "numbers of 32 bits".to_owned(),
                Features::Bytes { scale, offset, .. } => {
                    format!("bytes, each standing for itself × {scale} + {offset}")
                }
            },
            picture: self.picture,
            classes,
            targets,
        }
    }

    /// Rows from one on, with columns from one on.
    ///
    /// - Errors: `OutOfRange`
    pub(crate) fn rows(&self, from: usize, limit: usize, column: usize) -> Result<Rows> {
        let rows = self.range_of(from, limit)?;
        let width = self.width();
        if column >= width {
            return Err(Error::refused("OutOfRange", format_args!("there is no column {column}")));
        }
        let columns = column..width.min(column.saturating_add(COLUMNS_MAX));
        let of = |column: usize| self.features.iter().skip(column).step_by(width).copied();
        let shown = columns.clone().map(|column| Column {
            name: self.names.feature(column),
            histogram: Histogram::of(of(column)),
        });
        let listed = rows.map(|row| Row {
            row,
            label: self.label(row),
            cells: columns.clone().map(|at| self.features[row * width + at].to_string()).collect(),
        });
        Ok(Rows { from, column, columns: shown.collect(), rows: listed.collect() })
    }

    /// Rows from one on, as pictures.
    ///
    /// - Errors: `OutOfRange`; `NoPictures` if rows are not of a picture's shape
    pub(crate) fn pictures(&self, from: usize, limit: usize) -> Result<Pictures> {
        let rows = self.range_of(from, limit)?;
        let why = "its rows have not the shape of pictures: look at the numbers";
        let picture = self.picture.ok_or_else(|| Error::refused("NoPictures", why))?;
        let width = self.width();
        let pictures = rows.map(|row| Pixels {
            row,
            label: self.label(row),
            pixels: picture.pixels(&self.features[row * width..][..width], self.range),
        });
        Ok(Pictures { from, pictures: pictures.collect() })
    }

    fn range_of(&self, from: usize, limit: usize) -> Result<std::ops::Range<usize>> {
        let rows = self.dataset.rows();
        if from >= rows {
            return Err(Error::refused("OutOfRange", format_args!("there is no row {from}")));
        }
        Ok(from..rows.min(from.saturating_add(limit.min(ROWS_MAX))))
    }

    fn width(&self) -> usize {
        self.dataset.row().elements()
    }

    fn label(&self, row: usize) -> String {
        match self.dataset.labels() {
            Labels::Classes(classes) => self.names.class(classes[row].into()),
            Labels::Targets(targets) => targets[row].to_string(),
        }
    }
}

impl Names {
    /// The names in a file's metadata, each a JSON list.
    fn of(bytes: &[u8], columns: usize) -> Self {
        let metadata = metadata(bytes).unwrap_or_default();
        let list = |key: &str| -> Vec<String> {
            let list = metadata[key].as_str().and_then(|list| serde_json::from_str(list).ok());
            list.unwrap_or_default()
        };
        let features = list("features");
        let is_of_all = features.len() == columns;
        let features = if is_of_all { features } else { Vec::new() };
        Self { classes: list("classes"), features }
    }

    fn class(&self, class: usize) -> String {
        self.classes.get(class).map_or_else(|| class.to_string(), |name| short(name))
    }

    fn feature(&self, column: usize) -> String {
        self.features.get(column).map_or_else(|| column.to_string(), |name| short(name))
    }
}

/// The metadata of a safetensors file, whose header has been read before.
fn metadata(bytes: &[u8]) -> Option<Value> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    serde_json::from_slice::<Value>(header).ok()?.get_mut("__metadata__").map(Value::take)
}

fn short(name: &str) -> String {
    one_line(name).chars().take(NAME_MAX).collect()
}

impl Picture {
    /// How rows of this shape are pictures; `None` if they are not.
    fn of(sizes: &[usize]) -> Option<Self> {
        let (height, width, channels, is_interleaved) = match *sizes {
            [height, width] => (height, width, 1, false),
            [channels @ (1 | 3), height, width] => (height, width, channels, false),
            [height, width, channels @ (1 | 3)] => (height, width, channels, true),
            _ => return None,
        };
        let is_picture = SIDES.contains(&width) && SIDES.contains(&height);
        is_picture.then_some(Self { width, height, channels, is_interleaved })
    }

    fn pixels(self, row: &[f32], [least, greatest]: [f32; 2]) -> String {
        let Self { width, height, channels, is_interleaved } = self;
        let all = width * height;
        let place = |pixel: usize, channel: usize| match is_interleaved {
            true => pixel * channels + channel,
            false => channel * all + pixel,
        };
        let colours = (0..all).flat_map(|pixel| {
            (0..3).map(move |colour| (pixel, if channels == 3 { colour } else { 0 }))
        });
        let shade = |feature: f32| {
            let part = (f64::from(feature) - f64::from(least))
                / (f64::from(greatest) - f64::from(least)).max(f64::MIN_POSITIVE);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to a byte"
            )]
            let shade = (part * 255.0).round().clamp(0.0, 255.0) as u8;
            shade
        };
        let bytes = colours.map(|(pixel, channel)| shade(row[place(pixel, channel)]));
        hex::encode(bytes.collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use eval::Shape;

    use super::*;

    fn of(sizes: &[usize], features: &[f32], labels: Labels, names: &[(&str, &str)]) -> Explorer {
        let row = Shape::new(sizes).unwrap();
        let dataset = Dataset::new(row, Features::Real(features.to_vec()), labels).unwrap();
        let names = names.iter().map(|(key, list)| ((*key).to_owned(), (*list).to_owned()));
        let names: BTreeMap<_, _> = names.collect();
        Explorer::open(&dataset.to_safetensors_with(&names)).unwrap()
    }

    #[test]
    fn a_table_is_paged_with_its_names_and_histograms() {
        let names =
            [("classes", r#"["healthy","\u202eill"]"#), ("features", r#"["age","weight"]"#)];
        let features = [1.0, 50.0, 2.0, 60.0, 3.0, 70.5];
        let explorer = of(&[2], &features, Labels::Classes(vec![0, 1, 1]), &names);
        let overview = serde_json::to_value(explorer.overview()).unwrap();
        assert_eq!(overview["shape"], "2");
        assert_eq!(overview["classes"][1]["name"], "ill", "nothing that deceives");
        assert_eq!(overview["classes"][1]["share"], 666_666);
        let rows = serde_json::to_value(explorer.rows(1, 50, 0).unwrap()).unwrap();
        assert_eq!(rows["columns"][1]["name"], "weight");
        assert_eq!(rows["columns"][1]["histogram"]["greatest"], "70.5");
        assert_eq!(rows["rows"][1]["cells"], serde_json::json!(["3", "70.5"]));
        assert_eq!(rows["rows"].as_array().unwrap().len(), 2);
        assert!(explorer.rows(3, 1, 0).is_err() && explorer.rows(0, 1, 2).is_err());
        assert!(explorer.pictures(0, 1).is_err());
    }

    #[test]
    fn rows_of_a_picture_s_shape_are_pictures() {
        let row: Vec<f32> = (0..16_u8).map(f32::from).collect();
        let grey = of(&[1, 4, 4], &row, Labels::Targets(vec![0.5]), &[]);
        let pictures = serde_json::to_value(grey.pictures(0, 9).unwrap()).unwrap();
        let pixels = pictures["pictures"][0]["pixels"].as_str().unwrap();
        assert!(pixels.starts_with("000000111111222222") && pixels.ends_with("ffffff"), "{pixels}");
        assert_eq!(pictures["pictures"][0]["label"], "0.5");
        let colours: Vec<f32> = (0..48_u8).map(f32::from).collect();
        let planes = of(&[3, 4, 4], &colours, Labels::Targets(vec![0.5]), &[]);
        let together = of(&[4, 4, 3], &colours, Labels::Targets(vec![0.5]), &[]);
        let first = |explorer: &Explorer| {
            let pictures = serde_json::to_value(explorer.pictures(0, 1).unwrap()).unwrap();
            pictures["pictures"][0]["pixels"].as_str().unwrap()[..6].to_owned()
        };
        assert_eq!([first(&planes), first(&together)], ["0057ae", "00050b"]);
        assert_eq!(Picture::of(&[784]), None);
        assert_eq!(Picture::of(&[2, 30]), None);
    }
}
