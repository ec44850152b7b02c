import { compileFunction, runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { acceptErrorsOf } from './realm.ts';
import transformer from './transform.ts';

const asCommonJs = { supportsStaticESM: false };

/** Runs a CommonJS module. */
function exportsOf(code: string): Record<string, unknown> {
  const module = { exports: {} as Record<string, unknown> };
  const required = (name: string) =>
    name === 'node:url' ? { pathToFileURL: (file: string) => new URL(`file://${file}`) } : { name };
  const run = compileFunction(code, ['module', 'exports', 'require', '__filename', '__dirname']);
  run(module, module.exports, required, '/work/a/b.js', '/work/a');
  return module.exports;
}

describe('the transformer of the preset', () => {
  it('converts an ES module to CommonJS', () => {
    const source =
      "import { name } from 'other';\nexport const seen = name;\nexport default class { static #x = 1; static x() { return this.#x; } }\n";
    const { code } = transformer.process(source, '/a/b.js', asCommonJs);
    const { seen, default: Made } = exportsOf(code) as { seen: string; default: { x(): number } };
    expect([seen, Made.x()]).toEqual(['other', 1]);
  });

  it('gives import.meta to the module, and leaves a text with these words valid', () => {
    const source =
      "export const url = import.meta.url;\nexport const text = 'see import.meta';\nthrow_();\nfunction throw_() {}\n";
    const { code } = transformer.process(source, '/work/a/b.js', asCommonJs);
    expect(exportsOf(code)).toMatchObject({ url: 'file:///work/a/b.js' });
    expect(code.split('\n')).toHaveLength(source.split('\n').length);
  });

  it.each([
    ['CommonJS', "const a = require('a');\nmodule.exports = a;\n", asCommonJs],
    ['an ES module that jest runs as one', 'export const a = 1;\n', { supportsStaticESM: true }],
  ])('leaves %s as it is', (_what, source, options) => {
    expect(transformer.process(source, '/a/b.js', options).code).toBe(source);
  });

  it('has another cache key for each result', () => {
    const keys = [
      transformer.getCacheKey('a', '/a.js', asCommonJs),
      transformer.getCacheKey('b', '/a.js', asCommonJs),
      transformer.getCacheKey('a', '/a.js', { supportsStaticESM: true }),
    ];
    expect(new Set(keys).size).toBe(3);
  });
});

describe('acceptErrorsOf', () => {
  it('lets instanceof accept the errors of another realm, and nothing else', () => {
    const [inner, outer] = [runInNewContext('globalThis'), runInNewContext('globalThis')] as [
      typeof globalThis,
      typeof globalThis,
    ];
    acceptErrorsOf(outer, inner);
    const own = inner as unknown as { Function: FunctionConstructor };
    const isError = own.Function(
      'value',
      'return [value instanceof Error, value instanceof TypeError, value instanceof (class Own extends Error {})]',
    );
    expect([...isError(new outer.TypeError('x'))]).toEqual([true, true, false]);
    expect([...isError(new outer.Error('x'))]).toEqual([true, false, false]);
    expect([...isError(new inner.RangeError('x'))]).toEqual([true, false, false]);
    expect([...isError({ message: 'x' })]).toEqual([false, false, false]);
  });
});
