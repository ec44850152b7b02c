import { CredenceError } from '@credence/core';
import { principalKey } from './principal-key.ts';

/** The run that a tool call belongs to. */
export interface RunOfCall {
  /** The key of the principal of the run. */
  readonly principal: string | undefined;
  /** Whether its tools depend on its context, but nothing in the context is known as the key of a principal. */
  readonly isOfUnknownPrincipal?: boolean;
  /** `interrupt` of LangGraph. Undefined outside of a graph. */
  readonly interrupt: ((value: unknown) => unknown) | undefined;
  /** `configurable` of the config. */
  readonly configurable: Readonly<Record<string, unknown>>;
}

/** The run of a config that LangGraph hands to a tool or a middleware. */
export function runOfCall(config: unknown, contextKey: string): RunOfCall {
  const { context, interrupt, configurable }: Readonly<Record<string, unknown>> =
    typeof config === 'object' && config !== null ? { ...config } : {};
  return {
    principal: principalKey(context, contextKey),
    interrupt: typeof interrupt === 'function' ? (value) => interrupt(value) as unknown : undefined,
    configurable: typeof configurable === 'object' && configurable !== null ? { ...configurable } : {},
  };
}

/** The refusal of a call in a run that was resumed for another principal. */
export function wrongPrincipal(server?: string): CredenceError {
  return new CredenceError({
    code: 'wrong_principal',
    leg: 'call',
    message: 'This run was started for another principal than the one that it is resumed for. The call was not made.',
    remedy: 'Resume the run with the `principal` in its context that it was started with, or start a new run.',
    contact: 'you',
    server,
  });
}
