import { CredenceError } from '@credence/core';
import type { ToolLeftOut } from '@credence/sdk-adapter';
import type { ToolListLimits } from './limits.ts';

const MAX_NAMES = 10;

/** The error for a list of tools that exceeds a limit. The tools before the limit are kept. */
export function beyondLimit(server: string, limit: keyof ToolListLimits, value: number): CredenceError {
  const messages = {
    pages: `The list of tools of server "${server}" has more than ${value} pages.`,
    tools: `The list of tools of server "${server}" has more than ${value} tools.`,
    bytes: `Server "${server}" sent more than ${value} bytes before its list of tools was complete.`,
    totalMs: `The list of tools of server "${server}" was not complete within ${value} milliseconds.`,
  };
  return new CredenceError({
    code: limit === 'totalMs' ? 'timeout' : 'response_too_large',
    leg: 'call',
    message: messages[limit],
    remedy:
      limit === 'totalMs'
        ? `Call diagnose("${server}") to see which request takes long. If all of them are right, raise limits.totalMs of loadTools.`
        : `Ask the server's owner whether the list is meant to be that long. If it is, raise limits.${limit} of loadTools.`,
    contact: 'server-owner',
    server,
  });
}

/** The error for tools that the SDK cannot read. The other tools of the server are loaded. */
export function unreadable(server: string, tools: readonly ToolLeftOut[]): CredenceError {
  const names = [...new Set(tools.map(({ name }) => name))].slice(0, MAX_NAMES).join(', ');
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `Server "${server}" lists tools that cannot be read (${tools.length}): ${names}. Of the first one ${tools[0]?.reason ?? 'nothing is known'}.`,
    remedy: "Ask the server's owner to correct the definitions of these tools. Until then they are left out.",
    contact: 'server-owner',
    server,
  });
}

/** The error for a list that names the same next page again. The tools before it are kept. */
export function repeatedCursor(server: string): CredenceError {
  return new CredenceError({
    code: 'invalid_response',
    leg: 'call',
    message: `The list of tools of server "${server}" has no end: a page names a page that was read before as its next one.`,
    remedy:
      "Ask the server's owner to correct the paging. Until then only the tools of the pages that were read are loaded.",
    contact: 'server-owner',
    server,
  });
}
