import { createHash } from 'node:crypto';
import { transform } from 'sucrase';

/** A declaration at the start of a line, as in the files that are published as ES modules. */
const ESM = /^\s*(?:import|export)\b/mu;
const META = /\bimport\.meta\b/gu;
/** `import.meta` does not exist in CommonJS. The name replaces it, also in comments and texts, where it does no harm. */
const META_NAME = '__credenceImportMeta';
const META_VALUE = `const ${META_NAME} = { url: require('node:url').pathToFileURL(__filename).href, filename: __filename, dirname: __dirname };`;
/** Part of the key of jest's cache: changes when the result for the same source changes. */
const REVISION = '1';

/** The part of jest's transform options that is used. */
interface TransformOptions {
  /** Whether jest runs the file as an ES module. */
  readonly supportsStaticESM: boolean;
}

/** Converts an ES module to CommonJS, if jest runs it as CommonJS. Every other source stays as it is. */
export function toCommonJs(
  source: string,
  filePath: string,
  { supportsStaticESM }: TransformOptions,
): { code: string } {
  if (supportsStaticESM || !ESM.test(source)) return { code: source };
  const usesMeta = source.includes('import.meta');
  const code = usesMeta ? source.replaceAll(META, META_NAME) : source;
  const converted = transform(code, {
    transforms: ['imports'],
    filePath,
    production: true,
    disableESTransforms: true,
    keepUnusedImports: true,
  });
  // On the first line, so that the line numbers of stack traces stay the same.
  return { code: usesMeta ? withFirst(converted.code, META_VALUE) : converted.code };
}

/** Behind the directive `'use strict'`, which must be first. */
function withFirst(code: string, statement: string): string {
  return /^(?:'use strict'|"use strict");/u.test(code)
    ? code.replace(/^(['"])use strict\1;/u, (directive) => `${directive}${statement}`)
    : statement + code;
}

function getCacheKey(source: string, filePath: string, { supportsStaticESM }: TransformOptions): string {
  return createHash('sha256')
    .update(JSON.stringify([REVISION, source, filePath, supportsStaticESM]))
    .digest('hex');
}

/** A transformer of jest for the files of packages. */
const transformer = { process: toCommonJs, getCacheKey };
export default transformer;
