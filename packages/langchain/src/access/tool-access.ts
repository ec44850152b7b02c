import { scopesNotIn } from '@credence/protocol';
import type { TokenUses } from './token-uses.ts';

/** What is known of the access of a tool. */
export interface ToolAccess {
  /** The scopes that the tool needs: each list is enough. Undefined if the server does not say. */
  readonly needed: readonly (readonly string[])[] | undefined;
  /** The tokens for its server. */
  readonly uses: TokenUses;
  /** The scopes that a step-up may add. */
  readonly stepUp: readonly string[];
}

/** Where a tool has its {@link ToolAccess}. An object whose prototype is the tool has it too. */
const ACCESS = Symbol('credence.access');

export function rememberAccess(tool: object, access: ToolAccess): void {
  Object.defineProperty(tool, ACCESS, { value: access, configurable: true });
}

/** Makes a tool whose prototype is another tool say nothing about the access of that one. */
export function hideAccess(tool: object): void {
  Object.defineProperty(tool, ACCESS, { value: undefined, configurable: true });
}

function accessOf(tool: unknown): ToolAccess | undefined {
  return typeof tool === 'object' && tool !== null && ACCESS in tool ? (tool[ACCESS] as ToolAccess) : undefined;
}

/**
 * The scopes for want of which a tool cannot be used: the server says that the tool needs them, the token does not have them, and a
 * step-up cannot add them. Empty if the tool can be used, or if the server does not say which scopes it needs.
 */
export function scopesOutOfReach(tool: unknown): readonly string[] {
  const access = accessOf(tool);
  const granted = access?.uses.scopes;
  if (access?.needed === undefined || granted === undefined) return [];
  const { needed, stepUp } = access;
  const missing = needed.map((scopes) => scopesNotIn(scopes, [...granted, ...stepUp]));
  return missing.toSorted((a, b) => a.length - b.length)[0] ?? [];
}
