import { format } from 'node:util';
import { runInContext } from 'node:vm';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Jest runs a test in its own realm. An error from fetch, fs or crypto is created in the outer realm, so it is not
 * `instanceof Error` in the test, and libraries that check this (p-retry) behave differently than in production. With these
 * constructors, `instanceof` in the test also accepts instances of the outer realm.
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

/** structuredClone creates its copies in the outer realm. This function copies them into the realm of the test. */
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

/** Console methods that fail a test. `console.log` and `console.debug` are allowed, for debugging. */
const PRINTING = ['error', 'warn', 'info'];

/** Whether a warning is about the flag that jest needs for ES modules. */
const isOfJest = (warning) => warning.name === 'ExperimentalWarning' && warning.message.startsWith('VM Modules');

const ADVICE =
  'Tests must not print. Remove the cause, or expect it with jest.spyOn(console, "warn").mockImplementation(() => undefined).';

/** Makes `instanceof` work across realms, and fails a test that prints or in which Node emits a warning. */
export default class QuietEnvironment extends TestEnvironment {
  /** The texts printed since the last test ended, without duplicates. */
  #printed = new Map();

  #note(event, text) {
    const error = new Error(`${event}:\n\n${text}\n\n${ADVICE}`);
    if (!this.#printed.has(text)) this.#printed.set(text, error);
    return error;
  }

  #onWarning = (warning) => {
    if (isOfJest(warning)) return;
    const error = this.#note('Node emitted a process warning', `${warning.name}: ${warning.message}`);
    error.stack = `${error.message}\n${warning.stack}`;
  };

  async handleTestEvent(event, state) {
    if (event.name !== 'test_done' && event.name !== 'run_finish') return;
    // Node emits process warnings at the end of the current turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    // Text printed after the last test, for example by `afterAll`, is reported for the file.
    const errors = event.name === 'test_done' ? event.test.errors : state.unhandledErrors;
    errors.push(...this.#printed.values());
    this.#printed.clear();
  }

  async teardown() {
    process.off('warning', this.#onWarning);
    await super.teardown();
  }

  async setup() {
    await super.setup();
    process.on('warning', this.#onWarning);
    for (const method of PRINTING) {
      const print = (...data) =>
        Error.captureStackTrace(this.#note(`console.${method} was called`, format(...data)), print);
      this.global.console[method] = print;
    }
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
