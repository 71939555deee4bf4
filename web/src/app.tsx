import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { Boundary } from "./ui/boundary";
import { Configured } from "./ui/configured";
import { ServerRendered, ApplicationShown } from "./ui/server-rendered";

const Home = lazy(() => import("./features/home"));
const Shop = lazy(() => import("./features/shop"));
const Checkout = lazy(() => import("./features/shop/checkout-page"));
const Admin = lazy(() => import("./features/admin"));
const Kitchen = lazy(() => import("./features/admin/kitchen"));
const Archive = lazy(() => import("./features/archive"));
const Driver = lazy(() => import("./features/driver"));
const Orders = lazy(() => import("./features/orders"));
const Book = lazy(() => import("./features/book"));
const Bookings = lazy(() => import("./features/bookings"));
const Chat = lazy(() => import("./features/chat"));
const Track = lazy(() => import("./features/track"));
const Forgot = lazy(() => import("./features/address/forgot"));
const Reset = lazy(() => import("./features/address/reset"));
const Verify = lazy(() => import("./features/address/verify"));
/** For who works on the pages: what is built knows nothing of it. */
const Design = import.meta.env.DEV ? lazy(() => import("./features/design")) : undefined;
const NotFound = lazy(() => import("./features/not-found"));
const TestSocket = lazy(() => import("./features/test-socket"));

export function App() {
  return (
    <Boundary>
      <Suspense fallback={<ServerRendered />}>
        <Configured>
          <Switch>
            <Route path="/shop" component={Shop} />
            <Route path="/shop/checkout" component={Checkout} />
            <Route path="/admin" component={Admin} />
            <Route path="/admin/kitchen" component={Kitchen} />
            <Route path="/admin/orders/:id?" component={Archive} />
            <Route path="/driver" component={Driver} />
            <Route path="/orders" component={Orders} />
            <Route path="/track/:id" component={Track} />
            <Route path="/book/:id?" component={Book} />
            <Route path="/bookings/:id?" component={Bookings} />
            <Route path="/chat/:id?" component={Chat} />
            <Route path="/forgot" component={Forgot} />
            <Route path="/reset" component={Reset} />
            <Route path="/verify" component={Verify} />
            <Route path="/test-socket" component={TestSocket} />
            {Design && <Route path="/design" component={Design} />}
            <Route path="/" component={Home} />
            <Route component={NotFound} />
          </Switch>
          <ApplicationShown />
        </Configured>
      </Suspense>
    </Boundary>
  );
}
