import { describe, expect, it } from '@jest/globals';
import { isFullRun } from './full-run.ts';

/** The part of jest's global configuration that a run of everything has. */
const all = {
  testPathPatterns: { patterns: [] },
  watch: false,
  watchAll: false,
  onlyChanged: false,
  findRelatedTests: false,
};

describe('a run of jest', () => {
  it('without a restriction is a full run', () => {
    expect(isFullRun(all)).toBe(true);
    expect(isFullRun(all, ['/node_modules/'])).toBe(true);
  });

  it.each<[string, object]>([
    ['a pattern of paths', { testPathPatterns: { patterns: ['packages/core'] } }],
    ['a pattern of names', { testNamePattern: 'refuses' }],
    ['changed files only', { onlyChanged: true }],
    ['what failed before only', { onlyFailures: true }],
    ['the tests of given files', { findRelatedTests: true }],
    ['given files', { runTestsByPath: true }],
    ['the list of files only', { listTests: true }],
    ['the list of tests only', { collectTests: true }],
    ['watching', { watch: true }],
    ['watching all', { watchAll: true }],
    ['a filter', { filter: './filter.js' }],
    ['one shard of several', { shard: { shardIndex: 1, shardCount: 2 } }],
  ])('with %s is not a full run', (_what, changes) => {
    expect(isFullRun({ ...all, ...changes })).toBe(false);
  });

  it('with paths to ignore is not a full run', () => {
    expect(isFullRun(all, ['/node_modules/', 'packages/core'])).toBe(false);
  });
});
