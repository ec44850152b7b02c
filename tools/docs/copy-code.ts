import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeFrom, filesWithBlocks, withCode } from './code-blocks.ts';
import { ROOT } from './entry-points.ts';

// Copies the code of the examples into the pages and docstrings that contain it.
for (const path of filesWithBlocks()) {
  const text = readFileSync(join(ROOT, path), 'utf8');
  const copied = withCode(path, text, codeFrom);
  if (copied === text) continue;
  writeFileSync(join(ROOT, path), copied);
  console.log(path);
}
