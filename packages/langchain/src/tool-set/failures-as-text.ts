import { type Contact, type CredenceError, ERROR_CODES, type Leg } from '@credence/core';
import { cleanText, parsedUrl } from '@credence/protocol';
import type { ServerFailure } from '../loaded-tools.ts';

/** A prompt must not grow with the number of servers that are away. */
const MAX_SERVERS = 20;

const WHO: Readonly<Record<Contact, string>> = {
  you: 'the operator of this agent',
  'idp-admin': "the identity provider's administrator",
  'server-owner': 'the owner of the server',
};

const IDP = 'the identity provider';
const PEERS: Readonly<Partial<Record<Leg, string>>> = {
  authenticate: IDP,
  exchange: IDP,
  redeem: 'the authorization server',
  call: 'the MCP server',
};

/**
 * The failures as a text for a model, one line for each server. It contains the names in the configuration and fixed sentences, and
 * no word of a server or an IdP: an error message can contain names of tools and other identifiers that a server has chosen.
 */
export function failuresAsText(failures: readonly ServerFailure[]): string {
  const byServer = new Map<string, ServerFailure[]>();
  for (const failure of failures) byServer.set(failure.server, [...(byServer.get(failure.server) ?? []), failure]);
  if (byServer.size === 0) return '';
  const lines = [...byServer].slice(0, MAX_SERVERS).map(([server, ofServer]) => lineFor(server, ofServer));
  const others = byServer.size - lines.length;
  return [
    'Tools of these servers are missing at present. Do the rest of the task without them, and say who can help.',
    ...lines,
    ...(others > 0 ? [`- and tools of ${others} more servers`] : []),
  ].join('\n');
}

function lineFor(server: string, failures: readonly ServerFailure[]): string {
  const isMissing = failures.every(({ loaded }) => loaded === 0);
  const what = isMissing ? 'its tools are missing' : 'some of its tools may be missing';
  const reasons = new Set(failures.map(({ error }) => reasonOf(error)));
  const contacts = new Set(failures.map(({ error }) => WHO[error.contact]));
  return `- "${nameOf(server)}": ${what} (${[...reasons].join('; ')}). Who can help: ${[...contacts].join(', ')}.`;
}

function reasonOf({ code, leg, contact }: CredenceError): string {
  const peer = PEERS[leg] ?? (contact === 'idp-admin' ? IDP : 'the server');
  return ERROR_CODES[code].meaning.replaceAll('the peer', peer);
}

/** A server that is not configured has the name that the application has written, which can be a URL with a password. */
function nameOf(server: string): string {
  const url = parsedUrl(server);
  return cleanText(url && url.host !== '' ? `${url.origin}${url.pathname}` : server, { max: 120 });
}
