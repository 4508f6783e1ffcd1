// Requests over the WebSocket. Each has a number, by which its answer is found.

import { signal } from "@preact/signals";
import type { Failure } from "./types";

export class Refused extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** "" while there is a connection, else why there is none. */
export const connection = signal("connecting …");

type Waiting = { resolve: (value: any) => void; reject: (error: Error) => void };

let socket: WebSocket | null = null;
let opened: Promise<void> | null = null;
let number = 0;
const waiting = new Map<number, Waiting>();

function open(): Promise<void> {
  opened ??= new Promise((resolve, reject) => {
    const url = new URL("ws", location.href);
    url.protocol = "ws:";
    url.hash = "";
    socket = new WebSocket(url);
    socket.onopen = () => {
      connection.value = "";
      resolve();
    };
    socket.onmessage = (event) => {
      const answer = JSON.parse(event.data);
      const request = waiting.get(answer.id);
      waiting.delete(answer.id);
      if (answer.error) request?.reject(new Refused(answer.error));
      else request?.resolve(answer.ok);
    };
    socket.onclose = (event) => {
      connection.value = event.reason || "armexec explore has ended, or can't be reached. Reload the page when it runs again.";
      const error = new Refused({ kind: "Closed", message: connection.value });
      for (const request of waiting.values()) request.reject(error);
      waiting.clear();
      socket = null;
      opened = null;
      reject(error);
    };
  });
  return opened;
}

export async function ask<T>(call: string, more: object = {}): Promise<T> {
  await open();
  const id = ++number;
  return new Promise<T>((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    socket?.send(JSON.stringify({ id, call, ...more }));
  });
}

/** A function that has one request at a time, and after it the newest of those that came meanwhile. */
export function latest<A extends unknown[]>(work: (...given: A) => Promise<void>): (...given: A) => void {
  let busy = false;
  let next: A | null = null;
  const run = async (given: A) => {
    busy = true;
    try {
      await work(...given);
    } finally {
      busy = false;
      if (next) {
        const newest = next;
        next = null;
        void run(newest);
      }
    }
  };
  return (...given: A) => {
    if (busy) next = given;
    else void run(given);
  };
}
