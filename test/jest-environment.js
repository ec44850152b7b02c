import { format } from 'node:util';
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

/** What must not be printed while tests run. `console.log` and `console.debug` stay free for whoever looks for a mistake. */
const PRINTING = ['error', 'warn', 'info'];

/** Node's warning of the flag that jest itself needs for ES modules. */
const isOfJest = (warning) => warning.name === 'ExperimentalWarning' && warning.message.startsWith('VM Modules');

const ADVICE =
  'Tests print nothing. Remove the cause, or expect it with jest.spyOn(console, "warn").mockImplementation(() => undefined).';

/** Runs tests in one realm with Node's own modules, and fails a test in which something is printed or Node warns. */
export default class QuietEnvironment extends TestEnvironment {
  /** What was printed since the last test ended, each text once. */
  #printed = new Map();

  #note(event, text) {
    const error = new Error(`${event}:\n\n${text}\n\n${ADVICE}`);
    if (!this.#printed.has(text)) this.#printed.set(text, error);
    return error;
  }

  #onWarning = (warning) => {
    if (isOfJest(warning)) return;
    const error = this.#note('Node gave a process warning', `${warning.name}: ${warning.message}`);
    error.stack = `${error.message}\n${warning.stack}`;
  };

  async handleTestEvent(event, state) {
    if (event.name !== 'test_done' && event.name !== 'run_finish') return;
    // Node gives a process warning when the turn of the event loop ends.
    await new Promise((resolve) => setImmediate(resolve));
    // What was printed after the last test ended, by `afterAll` for example, belongs to no test.
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
