import { describe, expect, it } from '@jest/globals';
import { entryPoints, entryPointsOf } from './entry-points.ts';

describe('entryPointsOf', () => {
  it('derives the name of an entry point from the package folder and the path', () => {
    const manifest = {
      name: '@ours/core',
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './telemetry/events': { types: './dist/telemetry/events.d.ts', default: './dist/telemetry/events.js' },
      },
    };
    expect(entryPointsOf('packages/core', manifest)).toEqual([
      { folder: 'packages/core', specifier: '@ours/core', types: 'dist/index.d.ts', name: 'core' },
      {
        folder: 'packages/core',
        specifier: '@ours/core/telemetry/events',
        types: 'dist/telemetry/events.d.ts',
        name: 'core.telemetry.events',
      },
    ]);
  });

  it('leaves out entries without types', () => {
    const exports = { './package.json': './package.json', './run': { default: './dist/run.js' } };
    expect(entryPointsOf('packages/core', { name: '@ours/core', exports })).toEqual([]);
    expect(entryPointsOf('packages/core', { name: '@ours/core' })).toEqual([]);
  });

  it('throws for conditions inside "types"', () => {
    const exports = { '.': { types: { import: './dist/index.d.ts' } } };
    expect(() => entryPointsOf('packages/core', { name: '@ours/core', exports })).toThrow(
      'packages/core: "types" of "." is not a path',
    );
  });
});

describe('entryPoints', () => {
  it('finds the entry points of this repository', () => {
    expect(entryPoints()).toContainEqual({
      folder: 'packages/core',
      specifier: '@credence/core/opentelemetry',
      types: 'dist/opentelemetry.d.ts',
      name: 'core.opentelemetry',
    });
  });
});
