import { acceptErrorsOf } from './realm.ts';

// Jest gives the `Buffer` of Node.js to the test, and its constructor is the `Function` of the realm of Node.js.
const OuterFunction = Buffer.constructor as FunctionConstructor;
acceptErrorsOf(OuterFunction('return globalThis')() as typeof globalThis, globalThis);
