import { CredenceError, isCredenceError } from '@credence/core';
import type { ListKind } from '../facade/connection.ts';
import { ServerError } from '../failures/server-error.ts';
import { serverFailure } from '../failures/server-failure.ts';
import { unusableResponse } from '../failures/unusable-response.ts';
import type { ToolListLimits } from '../listing/limits.ts';

const WORDS: Readonly<Record<ListKind, string>> = {
  resources: 'resources',
  resourceTemplates: 'resource templates',
  prompts: 'prompts',
};

/** The CredenceError of a request for content that failed. */
export function contentFailure(server: string, error: unknown): CredenceError {
  if (isCredenceError(error)) return error;
  return error instanceof ServerError ? serverFailure(server, error.fault, error) : unusableResponse(server, error);
}

/** The error for a list that exceeds a limit. What is before the limit is kept. */
export function listBeyondLimit(
  server: string,
  kind: ListKind,
  limit: keyof ToolListLimits,
  value: number,
): CredenceError {
  const list = `The list of ${WORDS[kind]} of server "${server}"`;
  const messages = {
    pages: `${list} has more than ${value} pages.`,
    tools: `${list} has more than ${value} entries.`,
    bytes: `${list} has more than ${value} bytes.`,
    totalMs: `${list} was not complete within ${value} milliseconds.`,
  };
  return new CredenceError({
    code: limit === 'totalMs' ? 'timeout' : 'response_too_large',
    leg: 'call',
    message: messages[limit],
    remedy: `Ask the server's owner whether the list is meant to be like this. If it is, raise limits.${limit} of loadTools.`,
    contact: 'server-owner',
    server,
  });
}

/** The error for a list that names a page again that was read before. */
export function endlessList(server: string, kind: ListKind): CredenceError {
  return invalidContent(
    server,
    `The list of ${WORDS[kind]} of server "${server}" has no end: a page names a page that was read before as its next one.`,
    "Ask the server's owner to correct the paging. Until then only the pages that were read are used.",
  );
}

/** The error for entries of a list that are left out. */
export function unusableEntries(server: string, kind: ListKind, count: number): CredenceError {
  return invalidContent(
    server,
    `Server "${server}" lists ${WORDS[kind]} without a usable name or URI (${count}): it is a text of limited length without invisible characters.`,
    "Ask the server's owner to correct this. Until then they are left out.",
  );
}

/** The error for a request with a parameter that is not usable. */
export function invalidParameter(server: string, what: string): CredenceError {
  return new CredenceError({
    code: 'invalid_configuration',
    leg: 'configure',
    message: `${what}.`,
    remedy: 'Pass a name or URI as the server lists it, and arguments that are strings.',
    contact: 'you',
    server,
  });
}

function invalidContent(server: string, message: string, remedy: string): CredenceError {
  return new CredenceError({ code: 'invalid_response', leg: 'call', message, remedy, contact: 'server-owner', server });
}
