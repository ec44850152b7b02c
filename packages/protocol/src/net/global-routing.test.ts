import { afterEach, describe, expect, it } from '@jest/globals';
import { globalRouting } from './global-routing.ts';

const KEYS = ['undici.globalDispatcher.1', 'undici.globalDispatcher.2'].map((name) => Symbol.for(name));
const before = KEYS.map((key): unknown => Reflect.get(globalThis, key));
afterEach(() => KEYS.forEach((key, at) => Reflect.set(globalThis, key, before[at])));

/** An object whose class has that name. */
const dispatcher = (name: string | undefined) => name && { constructor: { name } };

describe('the way of the global fetch', () => {
  it.each<[string | undefined, string | undefined, string]>([
    ['Agent', undefined, 'direct'],
    [undefined, undefined, 'direct'],
    ['RetryAgent', undefined, 'direct'],
    ['TracedAgent', undefined, 'direct'],
    ['a', undefined, 'direct'],
    ['ProxyAgent', undefined, 'unresolved'],
    ['MockAgent', undefined, 'unresolved'],
    ['EnvHttpProxyAgent', undefined, 'environment-proxy'],
    ['Dispatcher1Wrapper', 'Agent', 'direct'],
    ['Dispatcher1Wrapper', 'ProxyAgent', 'unresolved'],
    ['Dispatcher1Wrapper', 'EnvHttpProxyAgent', 'environment-proxy'],
    // an undici package of version 7 sets both properties, and Node.js before 26 uses the first one
    ['ProxyAgent', 'Agent', 'unresolved'],
  ])('with the dispatchers %p and %p is %s', (first, second, routing) => {
    [first, second].forEach((name, at) => Reflect.set(globalThis, KEYS[at] ?? '', dispatcher(name)));
    expect(globalRouting()).toBe(routing);
  });
});
