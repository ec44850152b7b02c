import { EXTENSION_EMA } from '@credence/protocol';

/**
 * The capability of a client that uses enterprise-managed authorization. The client declares it in `initialize` up to revision
 * 2025-11-25, and in the `_meta` of every request from revision 2026-07-28 on. Pass it to a `Client` that you create; `connectMcp`
 * adds it to its client.
 */
export const emaCapabilities: { readonly extensions: Record<string, Record<string, never>> } = Object.freeze({
  extensions: Object.freeze({ [EXTENSION_EMA]: Object.freeze({}) }),
});
