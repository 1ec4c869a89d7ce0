//! Correlations of correlations: what builds on what, without going round in circles, and not too deep.

use super::across::{not_loaded, problem};
use super::file::Sound;
use crate::ast::{Correlation, Document, LEVELS_MAX};
use crate::problem::{Code, Problem};
use std::collections::{HashMap, VecDeque};

/// Circles that are spelled out; the correlations of further ones are only said not to have loaded.
const CIRCLES_TOLD: usize = 20;

/// Adds to `found`, the problems of each document, those that come from what a correlation builds on. `at` tells where the documents
/// stand, by name and by id.
pub(super) fn check(all: &[Sound], at: &HashMap<&str, usize>, found: &mut [Vec<Problem>]) {
    let graph = Graph::new(all, at);
    let is_left = graph.settle(found);
    let mut told = 0;
    for index in (0..all.len()).filter(|&it| is_left[it]) {
        let circle = if told < CIRCLES_TOLD { graph.circle(index, &is_left) } else { None };
        if let Some((number, path)) = circle {
            told += 1;
            graph.report(
                index,
                number,
                Code::CircularCorrelation,
                format!("`{}` builds on itself: {}", graph.name(index), path.join(" → ")),
                found,
            );
        } else if let Some(&(number, _)) = graph.below[index].iter().find(|it| is_left[it.1]) {
            graph.report_not_loaded(index, number, found);
        }
    }
}

struct Graph<'a> {
    all: &'a [Sound],
    /// For each document, the correlations it builds on: the number of the reference, and which document.
    below: Vec<Vec<(usize, usize)>>,
    above: Vec<Vec<usize>>,
}

impl<'a> Graph<'a> {
    fn new(all: &'a [Sound], at: &HashMap<&str, usize>) -> Self {
        let (mut below, mut above) = (vec![Vec::new(); all.len()], vec![Vec::new(); all.len()]);
        for (index, sound) in all.iter().enumerate() {
            let Document::Correlation(correlation) = &sound.document else { continue };
            for (number, reference) in correlation.rules.iter().enumerate() {
                let other = at.get(reference.as_str()).filter(|it| matches!(all[**it].document, Document::Correlation(_)));
                if let Some(&other) = other {
                    below[index].push((number, other));
                    above[other].push(index);
                }
            }
        }
        Self { all, below, above }
    }

    /// Goes through the correlations from the bottom up and reports what stands on something that did not load, or too high. Returns
    /// which are never reached: they stand on a circle.
    fn settle(&self, found: &mut [Vec<Problem>]) -> Vec<bool> {
        let mut open: Vec<usize> = self.below.iter().map(Vec::len).collect();
        let mut level = vec![1; self.all.len()];
        let mut ready: VecDeque<usize> = (0..self.all.len()).filter(|&it| open[it] == 0).collect();
        while let Some(index) = ready.pop_front() {
            for &(number, below) in &self.below[index] {
                level[index] = level[index].max(level[below] + 1);
                if !found[below].is_empty() {
                    self.report_not_loaded(index, number, found);
                }
            }
            if level[index] == LEVELS_MAX + 1 {
                let message = format!("more than {LEVELS_MAX} levels of correlations of correlations");
                self.report(index, 0, Code::TooLarge, message, found);
            }
            for &above in &self.above[index] {
                open[above] -= 1;
                if open[above] == 0 {
                    ready.push_back(above);
                }
            }
        }
        open.into_iter().map(|it| it > 0).collect()
    }

    /// The shortest way from a correlation back to itself: the number of its first reference, and the names along it.
    fn circle(&self, start: usize, is_left: &[bool]) -> Option<(usize, Vec<&'a str>)> {
        let mut from: HashMap<usize, (usize, usize)> = HashMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(index) = queue.pop_front() {
            for &(number, below) in &self.below[index] {
                if below == start {
                    return Some(self.way(start, (number, index), &from));
                }
                if is_left[below] && !from.contains_key(&below) {
                    from.insert(below, (number, index));
                    queue.push_back(below);
                }
            }
        }
        None
    }

    /// The way that ends with the reference `last` from a correlation back to `start`, from behind.
    fn way(&self, start: usize, last: (usize, usize), from: &HashMap<usize, (usize, usize)>) -> (usize, Vec<&'a str>) {
        let mut path = vec![self.name(start)];
        let (mut number, mut at) = last;
        loop {
            path.push(self.name(at));
            if at == start {
                path.reverse();
                return (number, path);
            }
            (number, at) = from[&at];
        }
    }

    fn correlation(&self, index: usize) -> &'a Correlation {
        match &self.all[index].document {
            Document::Correlation(it) => it,
            Document::Rule(_) | Document::Filter(_) => unreachable!("only correlations build on something"),
        }
    }

    fn name(&self, index: usize) -> &'a str {
        &self.correlation(index).info.name
    }

    /// Reports at the place of a reference.
    fn report(&self, index: usize, number: usize, code: Code, message: String, found: &mut [Vec<Problem>]) {
        let at = self.all[index].references[number];
        found[index].push(problem(code, &self.correlation(index).place, at, message, None));
    }

    fn report_not_loaded(&self, index: usize, number: usize, found: &mut [Vec<Problem>]) {
        let correlation = self.correlation(index);
        let (code, message, hint) = not_loaded(&correlation.rules[number]);
        found[index].push(problem(code, &correlation.place, self.all[index].references[number], message, hint));
    }
}
