import type { RequirementsDocument } from '../rows.ts';
import { nearestTitles } from './nearest-titles.ts';
import type { TestCase, TestRun } from './test-run.ts';

/** The place in a table that names a test. */
export interface Link {
  readonly id: string;
  /** The yaml file. */
  readonly source: string;
  readonly file: string;
  readonly title: string;
}

export interface BrokenLink extends Link {
  readonly problem: string;
  /** Titles or files that may be meant. */
  readonly suggestions: readonly string[];
}

export interface LinkReport {
  readonly broken: readonly BrokenLink[];
  /** Links to tests that were left out because this machine lacks what they need. */
  readonly leftOut: readonly Link[];
  readonly held: number;
  /** Links to files that the run was not asked for. */
  readonly unchecked: number;
}

export interface LinkCheck {
  /** Files whose tests may be skipped on this machine. */
  readonly mayLeaveOut?: (file: string) => boolean;
  /** False for files that the run was not asked for. Default: the run is of all files. */
  readonly covers?: (file: string) => boolean;
  /** True for a run that was made to list the titles: tests that were skipped count as held. */
  readonly titlesOnly?: boolean;
}

/** Holds every test that a table names against what ran. */
export function checkLinks(
  documents: readonly RequirementsDocument[],
  run: TestRun,
  { mayLeaveOut = () => false, covers = () => true, titlesOnly = false }: LinkCheck = {},
): LinkReport {
  const links = documents.flatMap(linksOf);
  const checked = links.filter(({ file }) => covers(file));
  const broken: BrokenLink[] = [];
  const leftOut: Link[] = [];
  for (const link of checked) {
    const found = problemOf(link, run, titlesOnly);
    if (found === undefined) continue;
    if (found === 'skipped' && mayLeaveOut(link.file)) leftOut.push(link);
    else if (found === 'skipped') broken.push({ ...link, problem: 'the test was skipped', suggestions: [] });
    else broken.push({ ...link, ...found });
  }
  return {
    broken,
    leftOut,
    held: checked.length - broken.length - leftOut.length,
    unchecked: links.length - checked.length,
  };
}

function linksOf({ source, requirements }: RequirementsDocument): Link[] {
  return requirements.flatMap(({ id, tests = [] }) =>
    tests.flatMap(({ file, titles }) => titles.map((title) => ({ id, source, file, title }))),
  );
}

type Found = Pick<BrokenLink, 'problem' | 'suggestions'>;

function problemOf({ file, title }: Link, run: TestRun, titlesOnly: boolean): Found | 'skipped' | undefined {
  const ran = run.get(file);
  if (ran === undefined) {
    return { problem: 'no such file of tests ran', suggestions: filesFor(file, title, run) };
  }
  if (ran.broken) return { problem: 'the file failed before its tests ran', suggestions: [] };
  const named = testsNamed(title, ran.tests);
  if (named.length === 0) {
    const titles = ran.tests.map((test) => test.title);
    return { problem: 'no test of this file has that title', suggestions: nearestTitles(title, titles) };
  }
  const failed = named.filter(({ status }) => status === 'failed').map((test) => test.title);
  if (failed.length > 0) return { problem: 'the test failed', suggestions: failed.slice(0, 3) };
  return !titlesOnly && named.some(({ status }) => status === 'skipped') ? 'skipped' : undefined;
}

/** The tests with exactly that title, or that fit it where it has a `*`. */
function testsNamed(title: string, tests: readonly TestCase[]): readonly TestCase[] {
  const pattern = new RegExp(`^${title.split('*').map(escaped).join('.*')}$`, 'su');
  return tests.filter((test) => pattern.test(test.title));
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/gu, String.raw`\$&`);
}

/** Files that have such a test, else files of the same name elsewhere. */
function filesFor(file: string, title: string, run: TestRun): string[] {
  const names = [...run.keys()];
  const having = names.filter((name) => testsNamed(title, run.get(name)?.tests ?? []).length > 0);
  if (having.length > 0) return having.slice(0, 3);
  const base = `/${file.split('/').at(-1) ?? file}`;
  return names.filter((name) => name.endsWith(base)).slice(0, 3);
}

/** The report as lines to print; empty where there is nothing to say. */
export function linkMessage({ broken, leftOut }: LinkReport): string {
  return [...brokenLines(broken), ...leftOutLines(leftOut)].join('\n');
}

function brokenLines(broken: readonly BrokenLink[]): string[] {
  if (broken.length === 0) return [];
  return [
    `Tests that test/requirements names and that did not pass: ${broken.length}`,
    ...broken.flatMap(({ id, source, file, title, problem, suggestions }) => [
      '',
      `  ${id} (${source}): ${problem}`,
      `    file:  ${file}`,
      `    title: ${title}`,
      ...suggestions.map((suggestion) => `    maybe: ${suggestion}`),
    ]),
  ];
}

function leftOutLines(leftOut: readonly Link[]): string[] {
  if (leftOut.length === 0) return [];
  const ids = [...new Set(leftOut.map(({ id }) => id))];
  return [`Requirements whose tests were LEFT OUT because redis-server is not installed: ${ids.join(', ')}`];
}
