import { describe, expect, it } from '@jest/globals';
import { cleanRecord } from './audit-record.ts';

const TOKEN = 'Zm9yIHRoZSByZWNvcmQsIHRoaXMgaXMgYSB0b2tlbg';

const tokens = (...sent: string[]) => ({ tokens: sent, clientSecrets: [] });

describe('an audit record', () => {
  it('contains no token of the request and no part of one', () => {
    const jwt = `${TOKEN}1.${TOKEN}2.${TOKEN}3`;
    const record = { resource: `urn:x:${TOKEN}`, requestedScopes: [`${TOKEN}2`, 'b'], reason: `found ${jwt}` };
    expect(cleanRecord(record, tokens(TOKEN, jwt))).toEqual({
      resource: 'urn:x:[redacted]',
      requestedScopes: [expect.stringMatching(/^\[redacted\]/u), 'b'],
      reason: expect.not.stringContaining(TOKEN),
    });
  });

  it('contains no client secret of the request in any member that a request can fill', () => {
    const secret = 'p4ssw0rd and-more';
    const record = {
      claimedClientId: secret,
      audience: secret,
      resource: [`urn:x:${secret}`],
      requestedScopes: secret.split(' '),
      grantedScopes: [secret],
      reason: `the target ${secret} is not registered`,
    };
    expect(JSON.stringify(cleanRecord(record, { tokens: [], clientSecrets: [secret] }))).not.toMatch(
      /p4ssw0rd|and-more/u,
    );
    expect(cleanRecord({ claimedClientId: TOKEN }, tokens(TOKEN))).toEqual({ claimedClientId: '[redacted]' });
  });

  it.each<[string, (text: string) => string]>([
    ['percent-encoded', encodeURIComponent],
    [
      'percent-encoded in every byte',
      (text) => text.replaceAll(/./gsu, (each) => `%${Buffer.from(each).toString('hex')}`),
    ],
    ['percent-encoded twice', (text) => encodeURIComponent(encodeURIComponent(text))],
    ['form-encoded', (text) => new URLSearchParams({ '': text }).toString().slice(1)],
    ['in base64', btoa],
    ['in base64url', (text) => Buffer.from(text).toString('base64url')],
    ['in a Basic header', (text) => btoa(`bot:${text}`)],
    ['in hexadecimal digits', (text) => Buffer.from(text).toString('hex')],
    ['as a JSON string', (text) => JSON.stringify(text)],
    ['in upper case', (text) => text.toUpperCase()],
  ])('contains no secret and no token that is %s', (_name, encode) => {
    const secret = 'p4ss/w0rd+and~more';
    const texts = [secret, TOKEN].map(encode);
    const record = {
      claimedClientId: texts[0],
      audience: `https://as.example/${texts[0]}`,
      resource: texts.map((text) => `urn:x:${text}`),
      requestedScopes: texts,
      reason: `found ${texts.join(' and ')}`,
    };
    const shown = JSON.stringify(cleanRecord(record, { tokens: [TOKEN], clientSecrets: [secret] })).toLowerCase();
    for (const text of texts) {
      for (let at = 0; at + 16 <= text.length; at += 1)
        expect(shown).not.toContain(text.slice(at, at + 16).toLowerCase());
    }
  });

  it("keeps the server's words in the reason, and members of the server, even if the client sends them as its secret", () => {
    const record = { clientId: 'bot-0123', error: 'invalid_client', reason: 'the client authentication failed' };
    const clientSecrets = ['bot-0123', 'invalid_client', 'authentication failed'];
    expect(cleanRecord(record, { tokens: [], clientSecrets })).toEqual(record);
  });

  it('keeps names and the texts of the server even if the client sends them as its assertion', () => {
    const record = {
      clientId: 'reporting-bot',
      error: 'invalid_grant',
      code: 'malformed',
      issuer: `https://${TOKEN}.example`,
      audience: 'https://production.as.example/a/long/path/for/one/tenant',
      reason: 'malformed: not three parts',
    };
    const sent = ['reporting-bot.invalid_grant.malformed', record.issuer, record.audience, TOKEN, 'parts'];
    expect(cleanRecord(record, tokens(...sent))).toEqual(record);
  });

  it('contains no control characters, and its texts and lists are cut', () => {
    const scopes = Array.from({ length: 52 }, (_, at) => `s\u001B${at}`);
    const record = { time: new Date(0), granted: false, subject: 'a\nb', reason: 'x'.repeat(1000), scopes };
    const clean = cleanRecord(record);
    expect(clean).toMatchObject({
      time: new Date(0),
      granted: false,
      subject: 'a b',
      scopes: { length: 51, 50: 'and 2 more' },
    });
    expect(clean.reason).toHaveLength(300);
  });
});
