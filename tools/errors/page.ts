import { format, resolveConfig } from 'prettier';
import { ACCESS_REFUSALS, ERROR_CODES, ID_JAG_ERRORS } from './catalogues.ts';

type Row = readonly string[];

/** The text of docs/errors.md, made from the catalogues of error codes and formatted with the prettier options of `filepath`. */
export async function errorPage(filepath: string): Promise<string> {
  return format(markdown(), { ...(await resolveConfig(filepath)), filepath });
}

function markdown(): string {
  return [
    '# Error codes',
    '<!-- Made by `npm run docs:errors` from the catalogues in the code. Do not edit. -->',
    'Error codes are part of the public interface: see [versioning](versioning.md).',
    '## The bot: `CredenceError`',
    [
      'Every error that the client packages throw is a `CredenceError`. It has a `code` from this table, the `leg` in which it occurred (see',
      '[concepts](concepts.md)), a `contact` (`you`: the operator of the bot; `idp-admin`: the administrator of the IdP; `server-owner`: the owner',
      'of the MCP server and its authorization server) and a `remedy`. Where the table lists several legs or contacts, the error names one.',
    ].join('\n'),
    table(
      ['code', 'meaning', 'leg', 'contact', 'what to do'],
      Object.entries(ERROR_CODES).map(([code, { meaning, legs, contacts, remedy }]) => [
        `\`${code}\``,
        meaning,
        legs.join(', '),
        contacts.join(', '),
        remedy,
      ]),
    ),
    '## The authorization server: `IdJagError`',
    [
      'An authorization server that refuses an ID-JAG throws or records an `IdJagError` with a `code` from this table. The client receives the',
      'OAuth error and the message. The code, the `detail` and the `remedy` are for the operator of the authorization server.',
    ].join('\n'),
    table(
      ['code', 'OAuth error', 'message', 'what to do'],
      Object.entries(ID_JAG_ERRORS).map(([code, { oauthError, message, remedy }]) => [
        `\`${code}\``,
        `\`${oauthError}\``,
        message,
        remedy,
      ]),
    ),
    '## The MCP server: `AccessRefusal`',
    [
      'An MCP server that refuses a request reports an `AccessRefusal` with a `code` from this table to `onRefused`. The client receives the',
      'message, or a more exact one. `no_token` and `nonce_needed` are not errors: the answer challenges a client to send a token or a nonce.',
    ].join('\n'),
    table(
      ['code', 'message', 'what to do'],
      Object.entries(ACCESS_REFUSALS).map(([code, entry]) => [`\`${code}\``, entry.message, entry.remedy ?? '']),
    ),
  ].join('\n\n');
}

function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
