// The digest of a model, taken beside other work: planning it, quantizing its weights. A run that fails does not wait for it.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <string>

#include "vetquant/core/parallel.h"
#include "vetquant/model/model.h"

namespace vetquant {

class BackgroundDigest {
 public:
  BackgroundDigest(std::shared_ptr<const Model> model, int threads)
      : model_(std::move(model)),
        digest_(std::async(resolve_threads(threads) > 1 ? std::launch::async : std::launch::deferred,
                           [this] { return model_->digest(&abandoned_); })) {}
  ~BackgroundDigest() { abandoned_ = true; }
  BackgroundDigest(const BackgroundDigest&) = delete;
  BackgroundDigest& operator=(const BackgroundDigest&) = delete;

  std::string take() { return digest_.get(); }

 private:
  std::shared_ptr<const Model> model_;
  std::atomic<bool> abandoned_{false};
  std::shared_future<std::string> digest_;  // last: waits, and is told before
};

}  // namespace vetquant
