import { createHash } from 'node:crypto';

/** Characters that model providers do not allow in the name of a tool. */
const FORBIDDEN = /[^A-Za-z0-9_-]/gu;
const MAX_LENGTH = 64;

/**
 * Makes unique names for tools that every model provider accepts: `<server>__<tool>`. Characters that are not allowed become `_`.
 * A name that is too long or already used ends in a hash of the full name, which is the same in every run.
 */
export class ToolNames {
  readonly #taken = new Set<string>();

  nameOf(server: string, tool: string): string {
    const full = `${server}__${tool}`;
    const fit = full.replace(FORBIDDEN, '_');
    const name = fit.length <= MAX_LENGTH && !this.#taken.has(fit) ? fit : hashed(fit, full);
    this.#taken.add(name);
    return name;
  }
}

function hashed(fit: string, full: string): string {
  const hash = createHash('sha256').update(full).digest('hex').slice(0, 8);
  return `${fit.slice(0, MAX_LENGTH - hash.length - 1)}_${hash}`;
}
