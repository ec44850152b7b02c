import { runInContext } from 'node:vm';
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

/** structuredClone makes its copies in the outer realm, where `value.constructor === Object` does not hold for inner code. */
const REHOME = `(clone) => {
  const rehome = (value, seen) => {
    if (typeof value !== 'object' || value === null) return value;
    if (seen.has(value)) return seen.get(value);
    const tag = Object.prototype.toString.call(value);
    if (tag !== '[object Object]' && tag !== '[object Array]') return value;
    const home = tag === '[object Array]' ? [] : {};
    seen.set(value, home);
    for (const key of Object.keys(value)) home[key] = rehome(value[key], seen);
    return home;
  };
  return (value, options) => rehome(clone(value, options), new Map());
}`;

export default class OneRealmEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    this.global.structuredClone = runInContext(REHOME, this.getVmContext())(globalThis.structuredClone);
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
