import { CredenceError } from '@credence/core';

/** The callbacks that answer requests of servers. */
export type RequestCallback = 'onElicitation' | 'onSampling';

/** What each callback returns, for remedies. */
const RETURNS: Readonly<Record<RequestCallback, string>> = {
  onElicitation: "It returns { action: 'accept', content }, { action: 'decline' } or { action: 'cancel' }.",
  onSampling: 'It returns { content, model }, or throws for what it does not answer; the call of the tool then fails.',
};

/** JSON-RPC 2.0 section 5.1: an internal error. */
const INTERNAL_ERROR = -32_603;

/**
 * The error of a request of a server that gets no answer. The SDKs send `code` and `message` to the server, so the message says nothing
 * about this process. `cause` is for the caller.
 */
export class UnansweredRequest extends Error {
  override readonly name = 'UnansweredRequest';
  readonly code = INTERNAL_ERROR;
  declare readonly cause: CredenceError;

  constructor(cause: CredenceError) {
    super('The client could not answer this request.', { cause });
  }
}

/** The callback threw, or its answer is not valid. `what` begins after the name of the callback. */
export function callbackFailed(server: string, callback: RequestCallback, what: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${callback} of loadTools ${what} for a request of server "${server}", so the server got an error instead of an answer.`,
    remedy: `Correct ${callback}. ${RETURNS[callback]}`,
    contact: 'you',
    server,
  });
}

/** The callback did not answer in time. */
export function answerTooLate(server: string, callback: RequestCallback, ms: number): CredenceError {
  return new CredenceError({
    code: 'timeout',
    leg: 'call',
    message: `${callback} of loadTools did not answer a request of server "${server}" within ${ms} milliseconds.`,
    remedy:
      'Answer sooner, or raise maxTotalTimeoutMs or toolTimeoutMs of loadTools: the time for an answer is that of the call.',
    contact: 'you',
    server,
  });
}

/** The server sent a request that does not reach a callback: too many, too large, or one that needs what was not offered. */
export function refusedRequest(server: string, what: string): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" sent ${what}, so this request was refused.`,
    remedy: `Ask the owner of server "${server}" why its tools send such requests.`,
    contact: 'server-owner',
    server,
  });
}

/** The call, or its connection, ended before the callback answered. */
export function noLongerAwaited(server: string): CredenceError {
  return new CredenceError({
    code: 'cancelled',
    leg: 'call',
    message: `The call for which server "${server}" sent a request has ended.`,
    remedy: 'Nothing to do: the answer is no longer of use.',
    contact: 'you',
    server,
  });
}

/** A server that cannot go on without an answer that this client does not give. */
export function answerNotOffered(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `The tool of server "${server}" needs an answer of the client that loadTools does not give.`,
    remedy: 'Set onElicitation or onSampling of loadTools, or do not use this tool.',
    contact: 'you',
    server,
  });
}
