type Receive = (message: object, extra?: unknown) => void;

/** The part of a transport of either SDK that passes on the messages of the server. */
export interface ReceivingTransport {
  onmessage?: Receive | undefined;
}

/**
 * Lets `transport` pass on only the messages that `accepts` returns true for, whichever listener the SDK sets later. A listener of the SDK
 * calls the listener that was set before; a message is given to `accepts` once.
 */
export function acceptOnly(transport: object, accepts: (message: object) => boolean): void {
  let listener: Receive | undefined;
  let isInside = false;
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => listener,
    set(receive: Receive | undefined) {
      listener =
        receive &&
        ((message, extra) => {
          if (isInside) return receive(message, extra);
          if (!accepts(message)) return undefined;
          isInside = true;
          try {
            return receive(message, extra);
          } finally {
            isInside = false;
          }
        });
    },
  });
}
