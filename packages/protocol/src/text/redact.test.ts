import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { cleanText } from './clean.ts';
import { redact, redactor } from './redact.ts';
import { withoutSecrets } from './scopes.ts';

const SECRET = 'p@ss/w0rd+%41 "é&<\\n~secret';
const PLAIN = 'k7Qz_x9-Wv3T2m';
const JWT = [
  Buffer.from('{"alg":"ES256","typ":"JWT","kid":"1"}').toString('base64url'),
  Buffer.from(JSON.stringify({ iss: 'bot', sub: 'bot', aud: 'https://idp.example', jti: 'a1', exp: 1 })).toString(
    'base64url',
  ),
  randomBytes(64).toString('base64url'),
].join('.');

const percent = (text: string) =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
const form = (text: string) => new URLSearchParams({ '': text }).toString().slice(1);
const json = (text: string) => JSON.stringify(text).slice(1, -1);
const unicode = (text: string, mark = '\\u') =>
  text
    .split('')
    .map((unit) => mark + unit.charCodeAt(0).toString(16).padStart(4, '0'))
    .join('');
const html = (text: string) =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('/', '&sol;');
const every = (text: string, between: string) => Array.from(text).join(between);
const base64 = (text: string) => Buffer.from(text).toString('base64');
const base64url = (text: string) => Buffer.from(text).toString('base64url');
const basic = (id: string, secret: string) => base64(`${id}:${secret}`);

const SPELLINGS: readonly (readonly [string, (secret: string) => string])[] = [
  ['as it is', (secret) => secret],
  ['percent-encoded', encodeURIComponent],
  [
    'percent-encoded with lower-case digits',
    (secret) => encodeURIComponent(secret).replace(/%../gu, (x) => x.toLowerCase()),
  ],
  ['percent-encoded in every byte', percent],
  ['percent-encoded twice', (secret) => encodeURIComponent(encodeURIComponent(secret))],
  ['percent-encoded three times in every byte', (secret) => percent(encodeURIComponent(encodeURIComponent(secret)))],
  ['percent-encoded in a part', (secret) => secret.slice(0, 5) + encodeURIComponent(secret.slice(5))],
  ['form-encoded', form],
  ['form-encoded twice', (secret) => form(form(secret))],
  ['form-encoded with %20', (secret) => form(secret).replaceAll('+', '%20')],
  ['as a JSON string', json],
  ['as a JSON string in a JSON string', (secret) => json(json(secret))],
  ['as a JSON string with escaped slashes', (secret) => json(secret).replaceAll('/', '\\/')],
  ['as a JSON string with only escapes', unicode],
  ['with escapes in upper case', (secret) => unicode(secret).toUpperCase()],
  ['with escapes of URLs in UTF-16', (secret) => unicode(secret, '%u')],
  [
    'with hexadecimal escapes',
    (secret) => [...Buffer.from(secret)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join(''),
  ],
  ['escaped for HTML', html],
  ['escaped for HTML twice', (secret) => html(html(secret))],
  [
    'as decimal references of HTML',
    (secret) =>
      Array.from(secret)
        .map((x) => `&#${x.codePointAt(0)};`)
        .join(''),
  ],
  [
    'as hexadecimal references of HTML',
    (secret) =>
      Array.from(secret)
        .map((x) => `&#x${x.codePointAt(0)?.toString(16)};`)
        .join(''),
  ],
  ['in base64', base64],
  ['in base64 without padding', (secret) => base64(secret).replace(/=+$/u, '')],
  ['in base64url', base64url],
  ['in base64, percent-encoded', (secret) => encodeURIComponent(base64(secret))],
  ['in base64 with escaped slashes', (secret) => base64(secret).replaceAll('/', '\\/')],
  ['in base64 with line breaks', (secret) => base64(secret).replace(/.{7}/gu, '$&\r\n')],
  ['in a Basic header', (secret) => basic('bot', secret)],
  ['form-encoded in a Basic header', (secret) => basic('bot', form(secret))],
  ['in a Basic header with an id one byte longer', (secret) => basic('bot1', secret)],
  ['in a Basic header with an id two bytes longer', (secret) => basic('bot12', secret)],
  ['in a form in base64', (secret) => base64(`grant_type=x&client_secret=${form(secret)}&scope=a`)],
  ['percent-encoded in a form in base64', (secret) => base64(`client_secret=${encodeURIComponent(secret)}&scope=a`)],
  ['in hexadecimal digits', (secret) => Buffer.from(secret).toString('hex')],
  ['in hexadecimal digits in upper case', (secret) => Buffer.from(secret).toString('hex').toUpperCase()],
  ['in hexadecimal digits with spaces', (secret) => Buffer.from(secret).toString('hex').replace(/../gu, '$& ')],
  ['in upper case', (secret) => secret.toUpperCase().replace('É', 'é')],
  ['with spaces inside', (secret) => every(secret, ' ')],
  ['with line breaks inside', (secret) => every(secret, '\r\n')],
  ['with escaped line breaks inside', (secret) => Array.from(secret).map(json).join('\\n')],
  ['with zero-width spaces inside', (secret) => every(secret, '\u200b')],
  ['with soft hyphens inside', (secret) => every(secret, '\u00ad')],
  ['with direction marks inside', (secret) => every(secret, '\u061c')],
  ['with tag characters inside', (secret) => every(secret, '\u{e0041}')],
  ['with variation selectors inside', (secret) => every(secret, '\ufe0f')],
  ['with null characters inside', (secret) => every(secret, '\u0000')],
  ['percent-encoded, with zero-width spaces inside', (secret) => every(encodeURIComponent(secret), '\u200d')],
];

/** A trace of the secret: a part of it in the decoded text, in base64 or in hexadecimal digits. */
function traces(text: string, secret: string): string[] {
  const decoded = text.replace(/%([\da-f]{2})/giu, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  const parts = [
    secret,
    ...[0, 1, 2].map((before) => base64('x'.repeat(before) + secret).slice(4, -4)),
    Buffer.from(secret).toString('hex'),
  ];
  return parts
    .flatMap((part) => [part.slice(0, 8), part.slice(-8)])
    .filter((part) => text.includes(part) || decoded.includes(part));
}

describe('redact', () => {
  describe.each([
    ['a secret with special characters', SECRET],
    ['a secret of letters and digits', PLAIN],
    ['a JWT', JWT],
  ])('replaces %s', (_what, secret) => {
    it.each(SPELLINGS)('%s', (_spelling, spell) => {
      const text = `The value "${spell(secret)}", is wrong.`;
      const redacted = redact(text, ['another-secret', secret]);
      expect(redacted).toMatch(/^The value "[\w+/=-]*\[redacted\][\w+/=% -]*", is wrong\.$/u);
      expect(traces(redacted, secret)).toEqual([]);
    });
  });

  it.each([
    ['the signature of a JWT', JWT.split('.')[2] ?? ''],
    ['a JWT without its signature', JWT.split('.').slice(0, 2).join('.')],
    ['the beginning of a JWT', JWT.slice(0, 40)],
    ['the end of a JWT', JWT.slice(-20)],
    ['the middle of a JWT in base64', base64(JWT).slice(50, 120)],
  ])('replaces a part of a secret with 16 characters or more: %s', (_what, part) => {
    expect(redact(`token ${part}... is invalid`, [JWT])).toMatch(/^token \[redacted\]\.+ is invalid$/u);
  });

  it.each([
    ['hunter2x', 'hunter3x and hunter'],
    ['a long secret with many words', 'a long secret'],
    ['reporting-bot-secret', 'the client reporting-bot is unknown'],
    [JWT, 'the token is a JWT of the issuer https://idp.example'],
    ['short', 'short and short'],
    ['+ + + + +', 'a plus b'],
    ['', 'text'],
  ])('does not change other text (%j)', (secret, text) => {
    expect(redact(text, [secret])).toBe(text);
  });

  it('replaces every occurrence and every secret', () => {
    expect(redact('first-1 second-2 first-1', ['first-1', 'second-2'])).toBe('[redacted] [redacted] [redacted]');
    expect(redact('first-1first-1', ['first-1'])).toBe('[redacted]');
    expect(redact('+ + + + +', ['+ + + + +'])).toBe('[redacted]');
  });

  it('keeps the text around a secret as it is', () => {
    expect(redact('caf\u00e9 100%25 \\n &amp; \ud83d\ude00 first-1 \ud83d\ude00&amp;', ['first-1'])).toBe(
      'caf\u00e9 100%25 \\n &amp; \ud83d\ude00 [redacted] \ud83d\ude00&amp;',
    );
  });

  it('redacts before cleanText cuts, and before it removes invisible characters', () => {
    for (let before = 250; before < 300; before += 1) {
      const cleaned = cleanText(`${'x '.repeat(before / 2)}${every(encodeURIComponent(SECRET), '\u200b')}`, {
        secrets: [SECRET],
      });
      expect(cleaned).not.toMatch(/p%|w0rd|p ?%/u);
    }
  });

  it('leaves out scopes that contain a secret in any of these spellings', () => {
    expect(withoutSecrets(['a', `x:${percent(PLAIN)}`, base64url(JWT), 'b'], [PLAIN, JWT])).toEqual(['a', 'b']);
  });

  it('prepares the secrets once for several texts', () => {
    const clean = redactor([PLAIN]);
    expect([clean('a'), clean(PLAIN), clean(base64(PLAIN))]).toEqual(['a', '[redacted]', '[redacted]']);
  });

  const LENGTH = 47_000;
  it.each([
    ['one character', 'a'.repeat(LENGTH)],
    ['the beginning of the secret', JWT.slice(0, 15).repeat(LENGTH / 15)],
    ['the secret', JWT.repeat(LENGTH / JWT.length)],
    ['nested escapes', `${'%25'.repeat(LENGTH / 3)}41`],
    ['escapes that complete escapes', `${'%3'.repeat(LENGTH / 2)}3`],
    ['references that complete references', `${'&#59'.repeat(LENGTH / 4)};`],
    ['backslashes', '\\'.repeat(LENGTH)],
    ['unfinished references', '&'.repeat(LENGTH / 2) + ';'.repeat(LENGTH / 2)],
    ['zero-width spaces', '\u200b'.repeat(LENGTH)],
    ['base64 with parts of the secret', `${base64(JWT).slice(0, 20)}!`.repeat(LENGTH / 21)],
  ])('takes time in proportion to the length of the text: %s', (_what, text) => {
    const secrets = [JWT, SECRET, 'a'.repeat(1_000), `${'%3'.repeat(400)}3`];
    const millisecondsFor = (value: string) => {
      const times = [1, 2, 3].map(() => {
        const started = performance.now();
        redact(value, secrets);
        return performance.now() - started;
      });
      return Math.min(...times);
    };
    const eighth = Math.max(1, millisecondsFor(text.slice(0, text.length / 8)));
    // Eight times as long in proportion, 64 times as long if the time were quadratic.
    expect(millisecondsFor(text) / eighth).toBeLessThan(40);
  });
});
