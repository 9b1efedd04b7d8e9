//! `ai.onnx.ml`: ensembles of decision trees, in their three forms.

use super::{
    Facts, Prepared, Settings,
    classical::{Finish, check_labels, greatest_place, labels, numbers, table},
    operand, unsigned,
};
use crate::{element::Element, op::attributes::bad_value, refusal::NodeRefused, tensor::Data};

/// A node's question about a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    AtMost,
    Less,
    AtLeast,
    Greater,
    Equal,
    NotEqual,
}

const QUESTIONS: [Question; 6] = [
    Question::AtMost,
    Question::Less,
    Question::AtLeast,
    Question::Greater,
    Question::Equal,
    Question::NotEqual,
];

/// A node of a tree.
#[derive(Clone, Debug)]
enum TreeNode {
    Branch {
        question: Question,
        feature: usize,
        threshold: f64,
        missing_is_true: bool,
        children: [usize; 2],
    },
    /// What the leaf adds, by target; a range of the ensemble's leaves.
    Leaf(std::ops::Range<usize>),
}

/// Trees whose nodes are in one list, each child after its parent.
struct Forest {
    nodes: Vec<TreeNode>,
    roots: Vec<usize>,
    /// Targets and weights of all leaves.
    weights: Vec<(usize, f64)>,
    /// The longest path.
    depth: usize,
}

/// How the weights of a row's leaves are put together.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Together {
    Sum,
    Average,
    Min,
    Max,
}

impl Question {
    fn is_true(self, x: f64, threshold: f64) -> bool {
        match self {
            Self::AtMost => x <= threshold,
            Self::Less => x < threshold,
            Self::AtLeast => x >= threshold,
            Self::Greater => x > threshold,
            Self::Equal => x == threshold,
            Self::NotEqual => x != threshold,
        }
    }
}

impl Forest {
    /// Checks the nodes: every path ends, and features are those of a row.
    fn checked(
        nodes: Vec<TreeNode>,
        roots: Vec<usize>,
        weights: Vec<(usize, f64)>,
        columns: usize,
    ) -> Option<Self> {
        let mut depths = vec![usize::MAX; nodes.len()];
        let mut depth = 0;
        // Each node is reached once, so that a path cannot return.
        for root in &roots {
            let mut open = vec![(*root, 1)];
            while let Some((index, level)) = open.pop() {
                let slot = depths.get_mut(index)?;
                if *slot != usize::MAX {
                    return None;
                }
                *slot = level;
                depth = depth.max(level);
                if let TreeNode::Branch { feature, children, .. } = &nodes[index] {
                    if *feature >= columns {
                        return None;
                    }
                    open.extend(children.map(|child| (child, level + 1)));
                }
            }
        }
        Some(Self { nodes, roots, weights, depth })
    }

    /// The trees of the two older forms, whose attributes have a number for each node.
    fn of_lists(settings: &Settings, leaves: &str, columns: usize) -> Result<Self, NodeRefused> {
        let list = |name: &str| -> Result<Vec<i64>, NodeRefused> {
            Ok(settings.integers(name)?.unwrap_or_default().to_vec())
        };
        let trees = list("nodes_treeids")?;
        let ids = list("nodes_nodeids")?;
        let features = list("nodes_featureids")?;
        let yes = list("nodes_truenodeids")?;
        let no = list("nodes_falsenodeids")?;
        let missing = list("nodes_missing_value_tracks_true")?;
        let mut values = settings.floats("nodes_values")?.unwrap_or_default();
        if let Some(exact) = settings.floats("nodes_values_as_tensor")? {
            values = exact;
        }
        let modes = settings.texts("nodes_modes")?.ok_or(bad_value("nodes_modes"))?;
        let count = ids.len();
        let lengths = [trees.len(), features.len(), yes.len(), no.len(), values.len(), modes.len()];
        let fits = lengths == [count; 6] && (missing.is_empty() || missing.len() == count);
        if !fits || count == 0 {
            return Err(bad_value("nodes_nodeids"));
        }
        let places = (0..count).map(|index| ((trees[index], ids[index]), index));
        let places = places.collect::<std::collections::BTreeMap<_, _>>();
        if places.len() != count {
            return Err(bad_value("nodes_nodeids"));
        }
        let (ranges, weights) = leaf_weights(settings, leaves, &places, count)?;
        let mut nodes = Vec::with_capacity(count);
        let mut is_child = vec![false; count];
        for index in 0..count {
            let Some(question) = question(&modes[index])? else {
                nodes.push(TreeNode::Leaf(ranges[index].clone()));
                continue;
            };
            let child = |id: i64| places.get(&(trees[index], id)).copied();
            let children = [child(yes[index]), child(no[index])];
            let [Some(first), Some(second)] = children else {
                return Err(bad_value("nodes_truenodeids"));
            };
            (is_child[first], is_child[second]) = (true, true);
            nodes.push(TreeNode::Branch {
                question,
                feature: unsigned(features[index])?,
                threshold: values[index],
                missing_is_true: missing.get(index).is_some_and(|flag| *flag != 0),
                children: [first, second],
            });
        }
        let roots = (0..count).filter(|index| !is_child[*index]).collect();
        Self::checked(nodes, roots, weights, columns).ok_or(bad_value("nodes_truenodeids"))
    }

    /// The trees of the newest form, whose leaves have a list of their own.
    fn of_tensors(settings: &Settings, columns: usize) -> Result<Self, NodeRefused> {
        let list = |name: &str| settings.integers(name).map(Option::unwrap_or_default);
        let features = list("nodes_featureids")?;
        let (yes, no) = (list("nodes_truenodeids")?, list("nodes_falsenodeids")?);
        let (yes_leafs, no_leafs) = (list("nodes_trueleafs")?, list("nodes_falseleafs")?);
        let missing = list("nodes_missing_value_tracks_true")?;
        let (roots, targets) = (list("tree_roots")?, list("leaf_targetids")?);
        let splits = numbers(settings.tensor("nodes_splits")?);
        let weights = numbers(settings.tensor("leaf_weights")?);
        let modes = numbers(settings.tensor("nodes_modes")?);
        let count = features.len();
        let lengths =
            [yes.len(), no.len(), yes_leafs.len(), no_leafs.len(), splits.len(), modes.len()];
        if lengths != [count; 6]
            || targets.len() != weights.len()
            || settings.has("membership_values")
        {
            return Err(bad_value("nodes_modes"));
        }
        let targets = targets.iter().map(|target| unsigned(*target));
        let targets = targets.collect::<Result<Vec<_>, _>>()?;
        let mut nodes = Vec::with_capacity(count);
        let mut leaves = Vec::new();
        for index in 0..count {
            // A leaf may end several paths: each end is a node of its own.
            let mut child = |id: i64, is_leaf: i64| -> Result<usize, NodeRefused> {
                let id = unsigned(id)?;
                if is_leaf == 0 {
                    return Ok(id);
                }
                leaves.push(TreeNode::Leaf(id..id.saturating_add(1)));
                Ok(count + leaves.len() - 1)
            };
            let children =
                [child(yes[index], yes_leafs[index])?, child(no[index], no_leafs[index])?];
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a code")]
            let question = *match modes[index] as usize {
                0 => &QUESTIONS[0],
                1 => &QUESTIONS[1],
                2 => &QUESTIONS[2],
                3 => &QUESTIONS[3],
                4 => &QUESTIONS[4],
                5 => &QUESTIONS[5],
                _ => return Err(bad_value("nodes_modes")),
            };
            nodes.push(TreeNode::Branch {
                question,
                feature: unsigned(features[index])?,
                threshold: splits[index],
                missing_is_true: missing.get(index).is_some_and(|flag| *flag != 0),
                children,
            });
        }
        nodes.extend(leaves);
        let in_range = |node: &TreeNode| match node {
            TreeNode::Leaf(range) => range.end <= weights.len(),
            TreeNode::Branch { .. } => true,
        };
        if !nodes.iter().all(in_range) {
            return Err(bad_value("leaf_targetids"));
        }
        let roots = roots.iter().map(|root| unsigned(*root)).collect::<Result<Vec<_>, _>>()?;
        let weights = targets.into_iter().zip(weights).collect();
        Self::checked(nodes, roots, weights, columns).ok_or(bad_value("tree_roots"))
    }

    /// The leaf that a row reaches in a tree: its weights by target.
    fn leaf(&self, root: usize, row: &[f64]) -> &[(usize, f64)] {
        let mut index = root;
        loop {
            match &self.nodes[index] {
                TreeNode::Leaf(range) => return &self.weights[range.clone()],
                TreeNode::Branch { question, feature, threshold, missing_is_true, children } => {
                    let x = row[*feature];
                    let taken =
                        if x.is_nan() { *missing_is_true } else { question.is_true(x, *threshold) };
                    index = children[usize::from(!taken)];
                }
            }
        }
    }

    /// The scores of a row, by target.
    fn scores(&self, row: &[f64], targets: usize, together: Together) -> Vec<f64> {
        let mut scores = vec![None; targets];
        for root in &self.roots {
            for (target, weight) in self.leaf(*root, row) {
                let slot: &mut Option<f64> = &mut scores[*target];
                *slot = Some(match (*slot, together) {
                    (None, _) => *weight,
                    (Some(sum), Together::Sum | Together::Average) => sum + weight,
                    (Some(least), Together::Min) => least.min(*weight),
                    (Some(most), Together::Max) => most.max(*weight),
                });
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer trees than 2⁵³")]
        let share = if together == Together::Average { self.roots.len() as f64 } else { 1.0 };
        scores.into_iter().map(|score| score.unwrap_or(0.0) / share).collect()
    }

    fn steps(&self, rows: usize, targets: usize) -> usize {
        rows.saturating_mul(self.roots.len().saturating_mul(2 * self.depth) + 4 * targets)
    }
}

/// The weights of the leaves of the two older forms, and the range of each node's.
type Leaves = (Vec<std::ops::Range<usize>>, Vec<(usize, f64)>);

fn leaf_weights(
    settings: &Settings,
    leaves: &str,
    places: &std::collections::BTreeMap<(i64, i64), usize>,
    count: usize,
) -> Result<Leaves, NodeRefused> {
    let list = |name: &str| -> Result<Vec<i64>, NodeRefused> {
        Ok(settings.integers(&format!("{leaves}_{name}"))?.unwrap_or_default().to_vec())
    };
    let (trees, ids, targets) = (list("treeids")?, list("nodeids")?, list("ids")?);
    let mut weights = settings.floats(&format!("{leaves}_weights"))?.unwrap_or_default();
    if let Some(exact) = settings.floats(&format!("{leaves}_weights_as_tensor"))? {
        weights = exact;
    }
    if [trees.len(), ids.len(), targets.len()] != [weights.len(); 3] {
        return Err(bad_value("weights"));
    }
    let mut by_node = vec![Vec::new(); count];
    for index in 0..weights.len() {
        let node = places.get(&(trees[index], ids[index])).ok_or(bad_value("weights"))?;
        by_node[*node].push((unsigned(targets[index])?, weights[index]));
    }
    let mut all = Vec::with_capacity(weights.len());
    let ranges = by_node.into_iter().map(|list| {
        let first = all.len();
        all.extend(list);
        first..all.len()
    });
    Ok((ranges.collect(), all))
}

/// A node's question by name; `None` for a leaf.
fn question(mode: &[u8]) -> Result<Option<Question>, NodeRefused> {
    Ok(Some(match mode {
        b"LEAF" => return Ok(None),
        b"BRANCH_LEQ" => Question::AtMost,
        b"BRANCH_LT" => Question::Less,
        b"BRANCH_GTE" => Question::AtLeast,
        b"BRANCH_GT" => Question::Greater,
        b"BRANCH_EQ" => Question::Equal,
        b"BRANCH_NEQ" => Question::NotEqual,
        _ => return Err(bad_value("nodes_modes")),
    }))
}

const TOGETHER: [Together; 4] = [Together::Sum, Together::Average, Together::Min, Together::Max];

/// Scores by target, as f32 or, for the newest form, the input's type.
fn regression(
    settings: &Settings,
    given: &Facts<'_>,
    forest: Forest,
    together: Together,
    element: Element,
) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    let targets = unsigned(settings.integer_or("n_targets", 1)?)?;
    let base = settings.floats("base_values")?.unwrap_or_default();
    let finish = Finish::parse_number_or_name(settings)?;
    let fits = targets > 0
        && targets <= crate::limits::DIMENSION
        && (base.is_empty() || base.len() == targets)
        && forest.weights.iter().all(|(target, _)| *target < targets);
    if !fits {
        return Err(bad_value("n_targets"));
    }
    let steps = forest.steps(rows, targets);
    Prepared::new(element, vec![rows, targets], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let answer = |row: &[f64]| {
            let mut scores = forest.scores(row, targets, together);
            scores.iter_mut().zip(&base).for_each(|(score, base)| *score += base);
            finish.apply(scores)
        };
        Data::Real(numbers.chunks_exact(columns.max(1)).flat_map(answer).collect())
    })
}

pub(super) fn regressor(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [_, columns] = table(given)?;
    let names = ["SUM", "AVERAGE", "MIN", "MAX"];
    let together = TOGETHER[settings.choice("aggregate_function", &names)?];
    let forest = Forest::of_lists(settings, "target", columns)?;
    regression(settings, given, forest, together, Element::F32)
}

pub(super) fn ensemble(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [_, columns] = table(given)?;
    // The numbering of this form: average, sum, min, max.
    let order = [Together::Average, Together::Sum, Together::Min, Together::Max];
    let function = unsigned(settings.integer_or("aggregate_function", 1)?)?;
    let together = *order.get(function).ok_or(bad_value("aggregate_function"))?;
    let forest = Forest::of_tensors(settings, columns)?;
    regression(settings, given, forest, together, given.real(0)?)
}

pub(super) fn classifier(settings: &Settings, given: &Facts<'_>) -> Result<Prepared, NodeRefused> {
    let [rows, columns] = table(given)?;
    check_labels(settings, &["classlabels_strings"])?;
    let forest = Forest::of_lists(settings, "class", columns)?;
    let finish = Finish::parse(settings)?;
    let base = settings.floats("base_values")?.unwrap_or_default();
    let stated = settings.integers("classlabels_int64s")?.map(<[i64]>::len);
    let classes = match (stated, settings.texts("classlabels_strings")?) {
        (Some(count), _) => count,
        (None, Some(names)) => names.len(),
        (None, None) => return Err(bad_value("classlabels_int64s")),
    };
    let labels = labels(settings, "classlabels_int64s", classes)?;
    let fits = classes > 0
        && (base.is_empty() || base.len() == classes || base.len() == 1)
        && forest.weights.iter().all(|(target, _)| *target < classes);
    if !fits {
        return Err(bad_value("classlabels_int64s"));
    }
    // Two classes of which only one has weights: its score decides, and the other is the rest.
    let single =
        forest.weights.first().map(|(target, _)| *target).filter(|target| {
            classes == 2 && forest.weights.iter().all(|(other, _)| other == target)
        });
    let all_positive = forest.weights.iter().all(|(_, weight)| *weight >= 0.0);
    // Engines differ in whether such scores are probabilities already.
    if single.is_some() && all_positive && finish == Finish::Logistic {
        return Err(bad_value("post_transform"));
    }
    let steps = forest.steps(rows, classes);
    let scores = move |row: &[f64]| {
        let mut scores = forest.scores(row, classes, Together::Sum);
        let Some(target) = single else {
            scores.iter_mut().zip(&base).for_each(|(score, base)| *score += base);
            let best = greatest_place(&scores);
            return (finish.apply(scores), best);
        };
        // As ONNX Runtime has it: the weights are those of the second class.
        let score = scores[target] + base.get(base.len() / 2).copied().unwrap_or(0.0);
        match (finish, all_positive) {
            (Finish::Logistic, _) => {
                let [no, yes] = [-score, score].map(super::unary::sigmoid_of);
                (vec![no, yes], usize::from(score > 0.0))
            }
            (Finish::None, true) => (vec![1.0 - score, score], usize::from(score > 0.5)),
            _ => (finish.apply(vec![-score, score]), usize::from(score > 0.0)),
        }
    };
    if settings.output == 0 {
        return Prepared::new(Element::I64, vec![rows], steps, move |operands| {
            let numbers = operand(operands, 0).reals();
            let label = |row: &[f64]| labels[scores(row).1];
            Data::Whole(numbers.chunks_exact(columns.max(1)).map(label).collect())
        });
    }
    Prepared::new(Element::F32, vec![rows, classes], steps, move |operands| {
        let numbers = operand(operands, 0).reals();
        let rows = numbers.chunks_exact(columns.max(1));
        Data::Real(rows.flat_map(|row| scores(row).0).collect())
    })
}

/// Whether the scores of a classifier are probabilities: the numbers of each leaf sum to the same
/// in a tree, and those of all trees to one.
pub(super) fn are_shares(settings: &Settings) -> bool {
    sums_of_leaves(settings).is_some_and(|(least, most, is_single)| {
        most <= 1.0 + SHARES_TOLERANCE && (is_single || least >= 1.0 - SHARES_TOLERANCE)
    })
}

/// How far the sum of all trees may be from one: the share of each is rounded.
const SHARES_TOLERANCE: f64 = 1e-3;

/// The least and the most that a row's leaves can sum to, and whether all is of one class; `None`
/// if something is negative.
fn sums_of_leaves(settings: &Settings) -> Option<(f64, f64, bool)> {
    let list = |name: &str| settings.integers(name).ok().flatten().unwrap_or_default();
    let floats = |name: &str| settings.floats(name).ok().flatten();
    let (trees, ids, classes) = (list("class_treeids"), list("class_nodeids"), list("class_ids"));
    let weights = floats("class_weights_as_tensor").or_else(|| floats("class_weights"))?;
    let base = floats("base_values").unwrap_or_default();
    if base.iter().any(|x| *x != 0.0) || weights.iter().any(|weight| *weight < 0.0) {
        return None;
    }
    let mut leaves = std::collections::BTreeMap::<(i64, i64), f64>::new();
    for ((tree, id), weight) in trees.iter().zip(ids).zip(&weights) {
        *leaves.entry((*tree, *id)).or_default() += weight;
    }
    let mut sums = std::collections::BTreeMap::<i64, [f64; 2]>::new();
    for ((tree, _), sum) in leaves {
        let [least, most] = sums.entry(tree).or_insert([sum, sum]);
        (*least, *most) = (least.min(sum), most.max(sum));
    }
    let is_single = classes.iter().all(|class| Some(class) == classes.first());
    let total = |place: usize| sums.values().map(|sum| sum[place]).sum();
    Some((total(0), total(1), is_single))
}
