import { createHash } from 'node:crypto';

/** What the models' providers take for the name of a tool. */
const ALLOWED = /[^A-Za-z0-9_-]/gu;
const MAX_LENGTH = 64;

/**
 * Names for tools, `<server>__<tool>`, unique and fit for a model: characters that are not allowed become `_`, and a name that
 * is too long or taken by another ends in a hash of the full one, so that it stays the same from run to run.
 */
export class ToolNames {
  readonly #taken = new Set<string>();

  nameOf(server: string, tool: string): string {
    const full = `${server}__${tool}`;
    const fit = full.replace(ALLOWED, '_');
    const name = fit.length <= MAX_LENGTH && !this.#taken.has(fit) ? fit : hashed(fit, full);
    this.#taken.add(name);
    return name;
  }
}

function hashed(fit: string, full: string): string {
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 8);
  return `${fit.slice(0, MAX_LENGTH - hash.length - 1)}_${hash}`;
}
