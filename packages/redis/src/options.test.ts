import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import type { RedisStoreOptions } from './options.ts';
import { redisStore } from './redis-store.ts';

const encryptionKey = randomBytes(32);
const url = 'redis://bot:p4ssw0rd@127.0.0.1:1/0';

function refusalOf(options: unknown): unknown {
  try {
    redisStore(options as RedisStoreOptions);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('redisStore', () => {
  it.each([
    ['no options', undefined, 'the options'],
    ['neither a client nor a url', { encryptionKey }, 'either a client or a url'],
    ['both', { encryptionKey, url, client: { get() {}, set() {}, eval() {} } }, 'either a client or a url'],
    ['a client that is none', { encryptionKey, client: { get: 1 } }, 'client is no client'],
    ['a url of something else', { encryptionKey, url: 'https://u:p4ssw0rd@redis.example' }, 'url is no redis://'],
    ['a url that is none', { encryptionKey, url: 'p4ssw0rd@redis' }, 'url is no redis://'],
    ['an unknown option', { encryptionKey, url, ttl: 3 }, 'ttl'],
    ['a prefix with a line break', { encryptionKey, url, prefix: 'a\nb' }, 'prefix is no prefix'],
    ['no encryption key', { url }, 'never written to Redis in plain text'],
    ['no encryption key, written out', { url, encryptionKey: false }, 'never written to Redis in plain text'],
  ])('refuses %s, without showing a secret', (_what, options, said) => {
    const error = refusalOf(options);
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(String(error)).toContain(said);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('p4ssw0rd');
  });

  it('names the previous key that is unfit', () => {
    const error = refusalOf({ url, encryptionKey: { current: encryptionKey, previous: [encryptionKey, 'short'] } });
    expect(error).toMatchObject({ code: 'invalid_key' });
    expect(String(error)).toContain('encryptionKey.previous[1]');
  });

  it('sends nothing until it is used, and prints neither key nor password', async () => {
    const store = redisStore({ url, encryptionKey: encryptionKey.toString('base64') });
    const shown = inspect(store, { depth: 9, showHidden: true }) + JSON.stringify(store);
    expect(shown).not.toContain('p4ssw0rd');
    expect(shown).not.toContain(encryptionKey.toString('base64'));
    await store.close();
  });
});
