//! Rows of bytes, read from a dataset file.

use std::error::Error;

use safetensors::SafeTensors;

/// Rows, each byte of which stands for `byte * scale`.
pub(crate) struct Rows {
    /// Channels, height and width.
    pub(crate) sizes: [usize; 3],
    bytes: Vec<u8>,
    scale: f32,
}

impl Rows {
    /// Reads the rows of a file.
    pub(crate) fn read(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let (_, metadata) = SafeTensors::read_metadata(file)?;
        let said = metadata.metadata().as_ref().and_then(|said| said.get("scale"));
        let tensors = SafeTensors::deserialize(file)?;
        let rows = tensors.tensor("x")?;
        let &[_, channels, height, width] = rows.shape() else {
            return Err("rows are not images".into());
        };
        Ok(Self {
            sizes: [channels, height, width],
            bytes: rows.data().to_vec(),
            scale: said.ok_or("rows have no scale")?.parse()?,
        })
    }

    /// The numbers of this many rows at a time.
    pub(crate) fn batches(&self, rows: usize) -> impl Iterator<Item = Vec<f32>> {
        let size = self.sizes.iter().product::<usize>();
        let number = |byte: &u8| f32::from(*byte) * self.scale;
        self.bytes.chunks(rows * size).map(move |bytes| bytes.iter().map(number).collect())
    }
}
