import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';

/**
 * Writes `.d.cts` copies of the declarations of the built packages whose package.json has them as `types` of the condition `require`.
 *
 * LangChain publishes each module twice. A CommonJS program gets the types of the CommonJS one, which are not assignable to those of
 * the ES module, because the classes have protected members. In a `.d.cts` file the same imports are those of the program.
 */

const Manifest = z.object({ exports: z.record(z.string(), z.unknown()) });
const ForRequire = z.object({ require: z.object({ types: z.string().endsWith('.d.cts') }) });

/** `from './file.ts'` and `import('./file.js')`: TypeScript keeps `.ts` in declarations. */
const RELATIVE_IMPORT = /(?<=(?:\bfrom |\bimport\()['"]\.{1,2}\/[^'"]+)\.[jt]s(?=['"])/gu;
const SOURCE_MAP = /\n\/\/# sourceMappingURL=.*$/u;

function declaresForCommonJs(folder: string): boolean {
  const { exports } = Manifest.parse(JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')));
  return Object.values(exports).some((target) => ForRequire.safeParse(target).success);
}

function copyDeclarations(dist: string): void {
  for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.d.ts')) continue;
    const text = readFileSync(join(dist, file), 'utf8');
    const copy = text.replaceAll(RELATIVE_IMPORT, '.cjs').replace(SOURCE_MAP, '');
    writeFileSync(join(dist, file.replace(/\.d\.ts$/u, '.d.cts')), copy);
  }
}

for (const name of readdirSync('packages')) {
  const folder = join('packages', name);
  if (declaresForCommonJs(folder)) copyDeclarations(join(folder, 'dist'));
}
