//! Folders of images.

use std::fs;

use eval::Features;

use super::*;

fn png(width: u32, height: u32, color: png::ColorType, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

#[test]
fn a_folder_of_folders_is_a_dataset_of_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir(path("dog")).unwrap();
    fs::create_dir(path("cat")).unwrap();
    let colour = |data: &[u8]| png(2, 1, png::ColorType::Rgb, data);
    fs::write(path("cat/b.png"), colour(&[1, 2, 3, 4, 5, 6])).unwrap();
    fs::write(path("dog/a.PNG"), png(2, 1, png::ColorType::Rgba, &[7, 8, 9, 0, 10, 11, 12, 0]))
        .unwrap();
    fs::write(path("dog/notes.txt"), "none").unwrap();
    let source = Source::open(folder.path()).unwrap();
    let read = reads(&source, &Options::default());
    assert_eq!(read.classes, ["cat", "dog"]);
    assert_eq!(read.dataset.row().sizes(), [3, 1, 2]);
    let bytes = vec![1, 4, 2, 5, 3, 6, 7, 10, 8, 11, 9, 12];
    assert_eq!(read.dataset.stored(), &Features::Bytes { bytes, scale: 1.0 / 255.0, offset: 0.0 });
    let said = read.description.to_string();
    assert!(said.contains("images of 2 × 1 pixels, 3 channels"), "{said}");
    assert!(said.contains("1 other files left out"), "{said}");
    fs::write(path("cat/c.png"), png(1, 2, png::ColorType::Grayscale, &[1, 2])).unwrap();
    assert_refused(&source, &Options::default(), &["c.png", "is 1 × 2 in grey", "make all alike"]);
    fs::write(path("cat/c.png"), b"\xff\xd8\xff broken").unwrap();
    assert_refused(&source, &Options::default(), &["c.png", "neither PNG nor JPEG"]);
    fs::remove_file(path("cat/c.png")).unwrap();
    fs::create_dir(path("cat/more")).unwrap();
    assert_refused(&source, &Options::default(), &["one set at a time"]);
    let empty = tempfile::tempdir().unwrap();
    let none = Source::open(empty.path()).unwrap();
    assert_refused(&none, &Options::default(), &["a folder of PNG or JPEG files for each class"]);
}

#[test]
fn folders_of_digits_are_their_classes() {
    let folder = tempfile::tempdir().unwrap();
    for class in 0..11_u8 {
        fs::create_dir(folder.path().join(class.to_string())).unwrap();
        let image = png(1, 1, png::ColorType::Grayscale, &[class]);
        fs::write(folder.path().join(format!("{class}/0.png")), image).unwrap();
    }
    let read = reads(&Source::open(folder.path()).unwrap(), &Options::default());
    let Features::Bytes { bytes, .. } = read.dataset.stored() else { panic!() };
    assert_eq!(read.dataset.labels(), &Labels::Classes(bytes.clone()));
}
