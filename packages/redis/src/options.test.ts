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
    [
      'both a client and a url',
      { encryptionKey, url, client: { get() {}, set() {}, eval() {} } },
      'either a client or a url',
    ],
    ['a client without its methods', { encryptionKey, client: { get: 1 } }, 'client must be a client'],
    ['a url of another scheme', { encryptionKey, url: 'https://u:p4ssw0rd@redis.example' }, 'url must be a redis://'],
    ['a text that is not a URL', { encryptionKey, url: 'p4ssw0rd@redis' }, 'url must be a redis://'],
    ['an unknown option', { encryptionKey, url, ttl: 3 }, 'ttl'],
    ['a prefix with a line break', { encryptionKey, url, prefix: 'a\nb' }, 'prefix must be 1 to 100'],
    ['no encryption key', { url }, 'never written to Redis in plain text'],
    ['false as encryption key', { url, encryptionKey: false }, 'never written to Redis in plain text'],
  ])('refuses %s, and the error contains no secret', (_what, options, expected) => {
    const error = refusalOf(options);
    expect(error).toMatchObject({ code: 'invalid_configuration', leg: 'configure', contact: 'you' });
    expect(String(error)).toContain(expected);
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain('p4ssw0rd');
  });

  it('names the previous key that is invalid', () => {
    const error = refusalOf({ url, encryptionKey: { current: encryptionKey, previous: [encryptionKey, 'short'] } });
    expect(error).toMatchObject({ code: 'invalid_key' });
    expect(String(error)).toContain('encryptionKey.previous[1]');
  });

  it('shows neither the key nor the password when it is inspected or serialized', async () => {
    const store = redisStore({ url, encryptionKey: encryptionKey.toString('base64') });
    const printed = inspect(store, { depth: 9, showHidden: true }) + JSON.stringify(store);
    expect(printed).not.toContain('p4ssw0rd');
    expect(printed).not.toContain(encryptionKey.toString('base64'));
    await store.close();
  });
});
