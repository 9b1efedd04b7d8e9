//! How much a row of each class counts in the loss.

use super::{ClassWeights, TrainRefused};
use crate::dataset::{Dataset, Labels};

/// The weight of each class; none if all count the same.
///
/// - Errors: `ClassWeights` if the labels are numbers, or the list does not have a weight for each
///   class
pub(super) fn weights_of(
    weights: &ClassWeights,
    dataset: &Dataset,
) -> Result<Vec<f32>, TrainRefused> {
    let classes = dataset.classes();
    match (weights, dataset.labels()) {
        (ClassWeights::Equal, _) => Ok(Vec::new()),
        (ClassWeights::Balanced, Labels::Classes(labels)) => Ok(balanced(labels, classes)),
        (ClassWeights::Given(list), Labels::Classes(_)) if list.len() == usize::from(classes) => {
            Ok(list.clone())
        }
        (ClassWeights::Given(list), _) => {
            Err(TrainRefused::ClassWeights { given: list.len(), classes })
        }
        (ClassWeights::Balanced, Labels::Targets(_)) => {
            Err(TrainRefused::ClassWeights { given: 0, classes })
        }
    }
}

/// `rows / (classes · rows of the class)`; zero for a class without rows.
fn balanced(labels: &[u8], classes: u16) -> Vec<f32> {
    let mut counts = vec![0_u32; classes.into()];
    for label in labels {
        counts[usize::from(*label)] += 1;
    }
    let occurring = counts.iter().filter(|count| **count > 0).count();
    #[expect(clippy::cast_precision_loss, reason = "a weight needs no more than 24 bits")]
    let weight = |count: &u32| match count {
        0 => 0.0,
        count => labels.len() as f32 / (occurring as f32 * *count as f32),
    };
    counts.iter().map(weight).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn balanced_classes_count_the_same_in_all() {
        assert_eq!(balanced(&[0, 0, 0, 1], 2), [2.0 / 3.0, 2.0]);
        assert_eq!(balanced(&[0, 0, 2, 2], 3), [1.0, 0.0, 1.0]);
    }
}
