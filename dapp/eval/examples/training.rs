//! `cargo speed train`: how much of the processor's time a training takes beside PyTorch, on one
//! thread, and whether both come to the same accuracy. PyTorch is asked if the interpreter in
//! `PYTHON`, or `python3`, has it; an argument names the only network to train.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the numbers are the point")]

use std::{
    collections::BTreeMap, env, error::Error, fs, ops::ControlFlow, path::Path, process::Command,
};

use eval::{
    Dataset, Features, Labels, Shape,
    train::{self, Options},
};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A network of `tests/fixtures`.
struct Net {
    name: &'static str,
    folder: &'static str,
    title: &'static str,
    /// Pixels of an image's side.
    side: usize,
    epochs: u32,
}

const NETS: [Net; 4] = [
    Net { name: "mlp", folder: "images", title: "MLP 784-128-10", side: 28, epochs: 10 },
    Net { name: "cnn", folder: "images", title: "LeNet 28×28", side: 28, epochs: 6 },
    Net { name: "resnet", folder: "training", title: "ResNet 32×32", side: 32, epochs: 2 },
    Net { name: "depthwise", folder: "training", title: "depthwise 32×32", side: 32, epochs: 3 },
];
/// Pixels of a side of the images in the fixtures.
const SIDE: usize = 28;
/// Pixels by which the copies of an image are moved, along each side.
const MOVES: [usize; 3] = [2, 0, 4];
const SCRIPT: &str = include_str!("training.py");

fn main() -> Result<()> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures");
    let folder = env::temp_dir().join(format!("deml-speed-{}", std::process::id()));
    let chosen = env::args().nth(1);
    fs::create_dir(&folder)?;
    let nets = NETS.iter().filter(|net| chosen.as_deref().is_none_or(|name| name == net.name));
    let measured = nets.into_iter().try_for_each(|net| measure(net, &fixtures, &folder));
    fs::remove_dir_all(&folder)?;
    measured
}

/// Trains a network, here and in PyTorch.
fn measure(net: &Net, fixtures: &Path, folder: &Path) -> Result<()> {
    let Net { name, title, side, epochs, .. } = *net;
    let model = fixtures.join(net.folder).join(format!("{name}.onnx"));
    let model = drawn(&fs::read(model)?)?;
    let images = fs::read(fixtures.join("images/holdout.safetensors"))?;
    let images = Dataset::from_safetensors(&images)?;
    let rows = moved(&images, side)?;
    fs::write(folder.join("rows.safetensors"), rows.to_safetensors())?;
    let options = Options { epochs, held_back_percent: 20, ..Options::default() };
    let begun = processor_seconds()?;
    let trained = train::train(&model, &rows, &options, &mut |_| ControlFlow::Continue(()))?;
    let seconds = processor_seconds()? - begun;
    let accuracy = f64::from(trained.best.score.0) / 1e4;
    println!("{title}: {seconds:.2} s, {accuracy:.1} % after {epochs} epochs");
    let python = env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let arguments = ["-c", SCRIPT, name, &epochs.to_string()];
    let asked = Command::new(&python).args(arguments).arg(folder).output();
    match asked {
        Ok(output) if output.status.success() => {
            let text = String::from_utf8(output.stdout)?;
            let mut numbers = text.split_whitespace().map(str::parse::<f64>);
            let (Some(Ok(other)), Some(Ok(accuracy))) = (numbers.next(), numbers.next()) else {
                return Err(format!("PyTorch's script answers {text}").into());
            };
            let ratio = seconds / other;
            println!("  PyTorch: {other:.2} s, {accuracy:.1} %; we take {ratio:.2} times that");
        }
        _ => eprintln!("  no ratio: {python} has no PyTorch (`pip install torch numpy`)"),
    }
    Ok(())
}

/// Each image in nine places of a field of this many pixels a side.
fn moved(images: &Dataset, side: usize) -> Result<Dataset> {
    let (Features::Bytes { bytes, scale, offset }, Labels::Classes(classes)) =
        (images.stored(), images.labels())
    else {
        return Err("the images are bytes of classes".into());
    };
    let (mut fields, mut labels) = (Vec::new(), Vec::new());
    for (image, class) in bytes.chunks_exact(SIDE * SIDE).zip(classes) {
        for (down, right) in MOVES.iter().flat_map(|down| MOVES.map(|right| (*down, right))) {
            // By two less, so that some move up or to the left; what leaves the field is lost.
            let pixel = |row: usize, column: usize| {
                let from = |at: usize, by: usize| (at + 2).checked_sub(by).filter(|at| *at < SIDE);
                Some(image[from(row, down)? * SIDE + from(column, right)?])
            };
            let pixels = (0..side * side).map(|at| pixel(at / side, at % side).unwrap_or(0));
            fields.extend(pixels);
            labels.push(*class);
        }
    }
    let features = Features::Bytes { bytes: fields, scale: *scale, offset: *offset };
    let row = Shape::new(&[1, side, side]).ok_or("there is such a shape")?;
    Ok(Dataset::new(row, features, Labels::Classes(labels))?)
}

/// The model with weights drawn anew, as its first were (He et al., 2015), and biases of zero.
fn drawn(model: &[u8]) -> Result<Vec<u8>> {
    let file = train::weights_of(model)?;
    let mut random = 2026_u64;
    // A sum of twelve uniform numbers is nearly normal.
    let mut normal = || {
        let uniform = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            f32::from(u16::try_from(random >> 48).unwrap_or(0)) / 65_536.0
        });
        uniform.take(12).sum::<f32>() - 6.0
    };
    let mut weights = Vec::new();
    let read = SafeTensors::deserialize(&file)?;
    let tensors = read.tensors().into_iter().collect::<BTreeMap<_, _>>();
    for (name, view) in tensors {
        let count = view.shape().iter().product::<usize>();
        let inputs = u16::try_from(view.shape().iter().skip(1).product::<usize>())?;
        let spread = if view.shape().len() > 1 { (2.0 / f32::from(inputs)).sqrt() } else { 0.0 };
        let bytes = (0..count).flat_map(|_| (normal() * spread).to_le_bytes()).collect::<Vec<_>>();
        weights.push((name, view.shape().to_vec(), bytes));
    }
    let views = weights
        .iter()
        .map(|(name, shape, bytes)| Ok((name, TensorView::new(Dtype::F32, shape.clone(), bytes)?)));
    let views = views.collect::<Result<Vec<_>>>()?;
    Ok(train::with_weights(model, &safetensors::serialize(views, None)?)?)
}

/// Seconds of the processor that this program has taken, on all threads: Linux counts hundredths.
fn processor_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    // The name in brackets may have spaces; user and system time are the 12th and 13th after it.
    let (_, fields) = stat.rsplit_once(')').ok_or("the kernel's record has a name")?;
    let times = fields.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
    Ok(times.sum::<std::result::Result<f64, _>>()? / 100.0)
}
