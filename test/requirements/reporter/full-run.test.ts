import { describe, expect, it } from '@jest/globals';
import { isFullRun } from './full-run.ts';

/** The part of jest's global configuration that isFullRun reads, for a run of all tests. */
const all = {
  testPathPatterns: { patterns: [] },
  watch: false,
  watchAll: false,
  onlyChanged: false,
  findRelatedTests: false,
};

describe('isFullRun: a run of jest', () => {
  it('without a restriction is a full run', () => {
    expect(isFullRun(all)).toBe(true);
    expect(isFullRun(all, ['/node_modules/'])).toBe(true);
  });

  it.each<[string, object]>([
    ['a pattern of paths', { testPathPatterns: { patterns: ['packages/core'] } }],
    ['a pattern of names', { testNamePattern: 'refuses' }],
    ['only changed files', { onlyChanged: true }],
    ['only tests that failed before', { onlyFailures: true }],
    ['the tests of given files', { findRelatedTests: true }],
    ['given files', { runTestsByPath: true }],
    ['only the list of files', { listTests: true }],
    ['only the list of tests', { collectTests: true }],
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
