import { createRequire } from 'node:module';
import type { RE2JS } from 're2js';

type Engine = typeof RE2JS;

let engine: Engine | undefined;
let loading: Promise<void> | undefined;

/**
 * The engine re2js, which matches in a time that is linear in the length of the text. It is loaded here, at the first pattern,
 * because most tools have none. A schema is validated synchronously, so it is loaded by `require`. Where that is not possible, in
 * a bundle, it is loaded by `import`, and undefined is returned until then.
 */
export function patternEngine(): Engine | undefined {
  engine ??= required();
  if (!engine) {
    loading ??= import('re2js').then(
      (module) => void (engine = module.RE2JS),
      () => undefined,
    );
  }
  return engine;
}

function required(): Engine | undefined {
  try {
    const module: { RE2JS?: Engine } = createRequire(import.meta.url)('re2js');
    return module.RE2JS;
  } catch {
    return undefined;
  }
}
