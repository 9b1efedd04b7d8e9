//! Folders of images: one folder for each class, as PyTorch's `ImageFolder` and Keras have them.
//!
//! A row is an image's bytes, channels first: [1, height, width] of grey, [3, height, width] of
//! colour.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use eval::Features;
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::{
    content::{Content, require_fit},
    options::Options,
    refused::ReadRefused,
    table::Values,
};

/// The most pixels of a side.
const SIDE: usize = 4_096;

/// The factor that makes bytes numbers from 0 to 1, as PyTorch's `ToTensor` does.
const SCALE: f32 = 1.0 / 255.0;

/// An image's file, and the name of its folder.
type Named = (PathBuf, String);

/// An image's bytes, pixel by pixel.
struct Image {
    width: usize,
    height: usize,
    channels: usize,
    bytes: Vec<u8>,
}

/// Reads all images of a folder of folders, in alphabetical order.
///
/// - Errors: `Image` if one is unlike the first or cannot be read; `Arrays` if there are none
pub(crate) fn read(folder: &Path, options: &Options) -> Result<Content, ReadRefused> {
    let (files, mut notes) = files(folder)?;
    let Some((first, _)) = files.first() else {
        let why = format!("{} has no folders with images", folder.display());
        let advice = "give the folder that has a folder of PNG or JPEG files for each class";
        return Err(ReadRefused::Arrays { why, advice });
    };
    let Image { width, height, channels, .. } = decoded(first)?;
    let elements = width * height * channels;
    let options = Options { limit: options.limit.map(|(_, limit)| (1, limit)), ..options.clone() };
    require_fit(files.len(), elements, &options)?;
    let (mut bytes, mut labels) = (Vec::new(), Vec::new());
    for (path, class) in files {
        let image = decoded(&path)?;
        if (image.width, image.height, image.channels) != (width, height, channels) {
            let colours = |channels| if channels == 1 { "grey" } else { "colour" };
            let why = format!(
                "is {} × {} in {}, but the first image is {width} × {height} in {}: make all alike",
                image.width,
                image.height,
                colours(image.channels),
                colours(channels)
            );
            return Err(ReadRefused::Image { path, why });
        }
        bytes.extend(channels_first(&image));
        labels.push(class);
    }
    notes.push(format!("images of {width} × {height} pixels, {channels} channels, channels first"));
    Ok(Content {
        row: vec![channels, height, width],
        features: Features::Bytes { bytes, scale: SCALE, offset: 0.0 },
        labels: labels_of(labels),
        label_name: Some("folder".to_owned()),
        label_column: 0,
        lines: Vec::new(),
        format: "folders of images".to_owned(),
        header: None,
        notes,
    })
}

/// Each image with the name of its folder, and what else is there.
fn files(folder: &Path) -> Result<(Vec<Named>, Vec<String>), ReadRefused> {
    let (mut images, mut others) = (Vec::new(), 0_usize);
    for class in entries(folder)? {
        if !class.is_dir() {
            others += 1;
            continue;
        }
        let name = class.file_name().unwrap_or_default().to_string_lossy().into_owned();
        for file in entries(&class)? {
            if file.is_dir() {
                let why = "is a folder in a folder of a class: give the folder whose folders are \
                           the classes, one set at a time"
                    .to_owned();
                return Err(ReadRefused::Image { path: file, why });
            }
            if is_image(&file) {
                images.push((file, name.clone()));
            } else {
                others += 1;
            }
        }
    }
    let notes =
        if others > 0 { vec![format!("{others} other files left out")] } else { Vec::new() };
    Ok((images, notes))
}

/// What is in a folder, in alphabetical order, without what is hidden.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, ReadRefused> {
    let failed = |cause| ReadRefused::Io { path: folder.to_owned(), cause };
    let listed = fs::read_dir(folder).map_err(failed)?;
    let mut paths = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    let is_hidden = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
    };
    paths.retain(|path| !is_hidden(path));
    paths.sort();
    Ok(paths)
}

fn is_image(path: &Path) -> bool {
    let known = ["png", "jpg", "jpeg"];
    let ending = path.extension().unwrap_or_default();
    known.iter().any(|known| ending.eq_ignore_ascii_case(known))
}

/// Folders named by numbers are those numbers.
fn labels_of(names: Vec<String>) -> Values {
    let numbers: Option<Vec<f64>> =
        names.iter().map(|name| name.parse::<u32>().ok().map(f64::from)).collect();
    numbers.map_or(Values::Text(names), Values::Numbers)
}

fn decoded(path: &Path) -> Result<Image, ReadRefused> {
    let bytes = fs::read(path).map_err(|cause| ReadRefused::Io { path: path.to_owned(), cause })?;
    let image = if bytes.starts_with(b"\x89PNG") { png(&bytes) } else { jpeg(&bytes) };
    image.map_err(|why| ReadRefused::Image { path: path.to_owned(), why })
}

/// A PNG in eight bits, without transparency.
fn png(bytes: &[u8]) -> Result<Image, String> {
    let fail = |why: png::DecodingError| why.to_string();
    let mut decoder = png::Decoder::new(io::Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(fail)?;
    let (width, height) = (reader.info().width, reader.info().height);
    let (width, height) = sides(width, height)?;
    let size = reader.output_buffer_size().ok_or("is too large")?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(fail)?;
    pixels.truncate(frame.buffer_size());
    let (channels, all) = match frame.color_type {
        png::ColorType::Grayscale => (1, 1),
        png::ColorType::GrayscaleAlpha => (1, 2),
        png::ColorType::Rgb => (3, 3),
        png::ColorType::Rgba => (3, 4),
        png::ColorType::Indexed => return Err("its palette cannot be read".to_owned()),
    };
    let bytes = pixels.chunks_exact(all).flat_map(|pixel| pixel[..channels].to_vec()).collect();
    Ok(Image { width, height, channels, bytes })
}

fn jpeg(bytes: &[u8]) -> Result<Image, String> {
    let fail = |why: zune_jpeg::errors::DecodeErrors| format!("is neither PNG nor JPEG: {why}");
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder.decode_headers().map_err(fail)?;
    let info = decoder.info().ok_or("has no size")?;
    let (width, height) = sides(info.width.into(), info.height.into())?;
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (space, channels) = if is_grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    let mut decoder = JpegDecoder::new_with_options(
        ZCursor::new(bytes),
        DecoderOptions::default().jpeg_set_out_colorspace(space),
    );
    let bytes = decoder.decode().map_err(fail)?;
    Ok(Image { width, height, channels, bytes })
}

/// Width and height, if an image of these is small enough.
fn sides(width: u32, height: u32) -> Result<(usize, usize), String> {
    let side = |pixels: u32| usize::try_from(pixels).ok().filter(|side| (1..=SIDE).contains(side));
    side(width).zip(side(height)).ok_or_else(|| {
        format!("is {width} × {height} pixels, at most {SIDE} each are read: make it smaller")
    })
}

/// All bytes of the first channel, then of the next.
fn channels_first(image: &Image) -> impl Iterator<Item = u8> {
    let channel = |at: usize| image.bytes.iter().skip(at).step_by(image.channels).copied();
    (0..image.channels).flat_map(channel)
}
