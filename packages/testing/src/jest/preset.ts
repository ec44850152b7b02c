import { fileURLToPath } from 'node:url';

/** The part of jest's configuration that the preset sets. */
export interface JestPreset {
  /** The transformers, by the pattern of the files. */
  readonly transform: Readonly<Record<string, string>>;
  /** Empty: the files of packages are transformed too. */
  readonly transformIgnorePatterns: string[];
  /** The files that run before each test file. */
  readonly setupFiles: string[];
}

/**
 * A preset for jest 30: `preset: '@credence/testing'`. In CommonJS tests it converts packages that are published as ES modules
 * only, which jest cannot `require` without a flag of Node.js 24.9. In all tests it lets `instanceof Error` accept the errors of Node.js.
 * With a `transform` of your own that matches JavaScript files in node_modules, spread the one of the preset before it.
 *
 * @example
 * <!-- from test/runners/suite/jest-cjs/jest.config.js -->
 * ```ts
 * module.exports = { preset: '@credence/testing' };
 * ```
 */
export const jestPreset: JestPreset = {
  transform: {
    '/node_modules/.+\\.[cm]?js$': fileURLToPath(new URL('transform.js', import.meta.url)),
    '\\.[jt]sx?$': 'babel-jest',
  },
  transformIgnorePatterns: [],
  setupFiles: [fileURLToPath(new URL('setup.js', import.meta.url))],
};
