import { TestEnvironment } from 'jest-environment-node';

/**
 * jest runs a test in a realm of its own, so an error thrown by fetch, fs or crypto (made in the outer realm) is not
 * `instanceof Error` inside it and libraries that ask (p-retry does) behave differently under test than in production.
 * Teaching the inner constructors to recognise the outer instances removes the difference.
 */
const SHARED = [
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'AggregateError',
  'Object',
  'Array',
  'Promise',
  'Map',
  'Set',
  'Date',
];

export default class OneRealmEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of SHARED) {
      const outer = globalThis[name];
      const inner = this.global[name];
      if (!inner || inner === outer) continue;
      const ordinary = Function.prototype[Symbol.hasInstance];
      Object.defineProperty(inner, Symbol.hasInstance, {
        configurable: true,
        value(value) {
          return ordinary.call(this, value) || (this === inner && ordinary.call(outer, value));
        },
      });
    }
  }
}
