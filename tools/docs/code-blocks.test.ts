import { describe, expect, it } from '@jest/globals';
import { examplesWithoutSource, regionOf, withCode } from './code-blocks.ts';

const FILE = `first();
  // #region outer
  if (yes) {
    // #region inner
    second();

    third();
    // #endregion
  }
  // #endregion
last();
`;

describe('regionOf', () => {
  it('returns the code between the marks, without its indentation', () => {
    expect(regionOf(FILE, 'inner')).toBe('second();\n\nthird();\n');
  });

  it('leaves out the marks of inner regions', () => {
    expect(regionOf(FILE, 'outer')).toBe('if (yes) {\n  second();\n\n  third();\n}\n');
    expect(regionOf(FILE, undefined)).not.toContain('region');
  });

  it('throws for a region that does not exist or does not end', () => {
    expect(() => regionOf(FILE, 'none')).toThrow('there is no region "none"');
    expect(() => regionOf('// #region open\na();\n', 'open')).toThrow('region "open" has no end');
  });
});

describe('withCode', () => {
  const codeOf = (source: string) => `from('${source}');\n\nmore();\n`;

  it('fills a block of a page, with or without an empty line above it', () => {
    for (const gap of ['\n', '\n\n']) {
      const page = (code: string) => `Text.\n\n<!-- from a.ts#b -->${gap}\`\`\`ts\n${code}\`\`\`\n`;
      expect(withCode('a.md', page('old();\n'), codeOf)).toBe(page("from('a.ts#b');\n\nmore();\n"));
    }
  });

  it('fills a block of a docstring, with an asterisk in front of each line', () => {
    const source = (code: string) =>
      `/**\n   * Text.\n   *\n   * @example\n   * <!-- from a.ts -->\n   * \`\`\`ts\n${code}   * \`\`\`\n   */\n  a();\n`;
    expect(withCode('a.ts', source('   * old();\n'), codeOf)).toBe(source("   * from('a.ts');\n   *\n   * more();\n"));
  });

  it('throws for a block that does not name its source file', () => {
    const where = 'no comment names the file that the code is copied from';
    expect(() => withCode('a.md', '# Title\n\n```ts\na();\n```\n', codeOf)).toThrow(`a.md:3: ${where}`);
    expect(() => withCode('a.ts', '/**\n * ```ts\n * a();\n * ```\n */\n', codeOf)).toThrow(`a.ts:2: ${where}`);
  });

  it('does not change blocks of other languages, and code outside of docstrings', () => {
    for (const [path, text] of [
      ['a.md', '```sh\nnpm ci\n```\n'],
      ['a.ts', 'const text = `\n```ts\na\n```\n`;\n'],
    ] as const) {
      expect(withCode(path, text, codeOf)).toBe(text);
    }
  });
});

describe('examplesWithoutSource', () => {
  it('returns the line of each @example that does not name its source file', () => {
    const text = '/**\n * @example\n * a();\n */\n/**\n * @example\n * <!-- from a.ts -->\n */\n/** @example a() */\n';
    expect(examplesWithoutSource(text)).toEqual([2, 9]);
  });
});
