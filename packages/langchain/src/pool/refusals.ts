import { CredenceError, isCredenceError } from '@credence/core';
import { identifier } from '@credence/protocol';
import type { ToolOrigin } from '../tools/origin.ts';

// No text contains the key of a principal: it can be confidential, and a model reads these texts.

const base = { leg: 'configure', contact: 'you' } as const;

/** @param message what is wrong with the key */
export function noPrincipal(contextKey: string, message: string): CredenceError {
  const name = nameOf(contextKey);
  return new CredenceError({
    ...base,
    code: 'no_principal',
    message,
    remedy: `Pass the key of the principal in the context of the run: invoke(input, { context: { ${name}: key } }), with a schema of the context that has ${name}.`,
  });
}

export function noKey(contextKey: string): CredenceError {
  const message = `This run does not say for which principal it calls tools: its context has no "${contextKey}".`;
  return noPrincipal(contextKey, message);
}

/** The refusal of a call whose key may be that of a run which happens to be around it. */
export function unclearRun(): CredenceError {
  return new CredenceError({
    ...base,
    code: 'no_principal',
    message:
      'This call was not handed a config of its own run: its context may come from the run around it, which can be one of another principal.',
    remedy:
      'Use the tools of pool.toolsFor(config). Or hand the context to the tool: tool.invoke(input, config), or { ...config, context: { ...config.context } }.',
  });
}

export function otherPrincipal(): CredenceError {
  return new CredenceError({
    ...base,
    leg: 'call',
    code: 'wrong_principal',
    message: 'This tool was loaded for another principal than the one of this run. The call was not made.',
    remedy: 'Call toolsFor with the config of this run, and use the tools that it returns.',
  });
}

function nameOf(contextKey: string): string {
  return /^\w+$/u.test(contextKey) ? contextKey : JSON.stringify(contextKey);
}

/** The refusal for an error of `create`. Its text is not used, because the model reads the refusal. */
export function notCreated(cause: unknown): CredenceError {
  if (isCredenceError(cause)) return cause;
  return new CredenceError({
    ...base,
    code: 'unknown_principal',
    message: 'The principal of this run could not be created.',
    remedy: 'Check the key that the run passes, and what the function create of the pool needs for it.',
    cause,
  });
}

export function unusablePrincipal(problem: string): CredenceError {
  return new CredenceError({
    ...base,
    code: 'invalid_configuration',
    message: `The function create of principalPool returned ${problem}.`,
    remedy: 'Return a new ServicePrincipal from each call of create, or a promise of one. Throw if the key is unknown.',
  });
}

export function tooManyPrincipals(max: number): CredenceError {
  return new CredenceError({
    ...base,
    code: 'too_many_principals',
    message: `The pool has ${max} principals, and all of them are in use.`,
    remedy: 'Try again later, or raise max of principalPool.',
    retryable: true,
  });
}

export function poolClosed(): CredenceError {
  return new CredenceError({
    ...base,
    code: 'closed',
    message: 'The pool of principals was closed.',
    remedy: 'Close the pool after the last run.',
  });
}

/** The refusal of a call of a tool that the principal of the run does not have. */
export function unknownTool({ server, tool }: ToolOrigin): CredenceError {
  return new CredenceError({
    ...base,
    code: 'unknown_tool',
    message: `The principal of this run has no tool ${identifier(tool)} of server "${server}".`,
    remedy:
      'Continue without this tool. If the principal is meant to have it, add the server to its configuration, and ask for it to be granted.',
    server,
  });
}
